// SPDX-License-Identifier: Apache-2.0
// What records and what could: every channel with its stream, and every stream that no channel is mapped to.
#include <algorithm>
#include <map>

#include "api/console/console_reads.hpp"
#include "async/shard.hpp"
#include "aws/json.hpp"

namespace api {
namespace {

constexpr std::size_t kMostResults = 1000;

// The sessions of one channel, as far as the wall shows them.
struct ChannelSessions {
  const sessions::SessionRecord* master = nullptr;
  std::int64_t viewers = 0;
};
using SessionsByChannel = std::map<std::string_view, ChannelSessions>;

bool is_connected(const sessions::SessionRecord& record) {
  return !record.end && record.steps.has(sessions::Step::DtlsConnected);
}

SessionsByChannel group(const std::vector<sessions::SessionRecord>& records) {
  SessionsByChannel channels;
  for (const sessions::SessionRecord& record : records) {
    if (record.end) continue;
    ChannelSessions& channel = channels[record.channel_name];
    if (!record.client_id.empty()) {
      channel.viewers += is_connected(record) ? 1 : 0;
    } else if (channel.master == nullptr || is_connected(record)) {
      channel.master = &record;
    }
  }
  return channels;
}

std::string_view state_of(bool is_recording, const ChannelSessions& sessions, bool is_peer_to_peer) {
  if (is_peer_to_peer) return "peer_to_peer";
  if (is_recording) return "recording";
  if (sessions.master == nullptr) return "offline";
  return is_connected(*sessions.master) ? "connected" : "connecting";
}

std::optional<base::WallTime> began_to_record(const ChannelSessions& sessions) {
  if (sessions.master == nullptr) return std::nullopt;
  const auto step = sessions.master->steps.find(sessions::Step::FirstFragmentDurable);
  if (!step) return std::nullopt;
  return sessions.master->joined_at + std::chrono::duration_cast<std::chrono::microseconds>(*step);
}

void describe_recording(CameraAnswer& camera, const ConsoleServices& services, const streams::Stream& stream,
                        const ChannelSessions& sessions, base::WallTime now) {
  camera.stream_name = stream.name;
  camera.stream_arn = stream.arn;
  const RecordingNow recording = recording_now(*services.media.archive.log(stream.key), now);
  camera.newest_end = recording.newest_end;
  camera.bits_per_second = recording.bits_per_second;
  if (recording.bits_per_second) camera.recording_since = began_to_record(sessions);
  camera.state = state_of(recording.bits_per_second.has_value(), sessions, false);
}

CameraAnswer describe(const ConsoleServices& services, const streams::Channel& channel,
                      const SessionsByChannel& sessions, base::WallTime now) {
  CameraAnswer camera;
  camera.name = channel.name;
  camera.channel_arn = channel.arn;
  const auto found = sessions.find(channel.name);
  const ChannelSessions own = found == sessions.end() ? ChannelSessions{} : found->second;
  camera.viewers = own.viewers;
  camera.state = state_of(false, own, !channel.storage_stream_arn);
  if (!channel.storage_stream_arn) return camera;
  const auto stream = services.media.catalog.find_stream({std::nullopt, channel.storage_stream_arn});
  if (stream) describe_recording(camera, services, **stream, own, now);
  return camera;
}

// By name; of the same name the channel comes first. A token is the place of the last one that was given.
std::string place_of(const CameraAnswer& camera) {
  return camera.name + (camera.channel_arn ? "/channel" : "/stream");
}

Json read_cameras(const ConsoleServices services, ReadRequest request) {
  CO_TRY_VOID(request.allow({"name", "maxResults", "nextToken"}));
  CO_TRY(const std::size_t limit, request.count("maxResults", kMostResults, kMostResults));
  const auto name = request.find("name");
  const std::string after = request.find("nextToken").value_or("");
  const auto records = co_await services.sessions(std::nullopt);
  const SessionsByChannel sessions = group(records);
  const base::WallTime now = async::wall_now();
  const auto is_wanted = [&name](const std::string& candidate) { return !name || candidate == *name; };
  CamerasAnswer answer;
  CO_TRY(const auto channels, services.media.catalog.list_channels({}));
  for (const streams::ChannelPtr& channel : channels.items) {
    if (is_wanted(channel->name)) answer.cameras.push_back(describe(services, *channel, sessions, now));
  }
  CO_TRY(const auto all_streams, services.media.catalog.list_streams({}));
  for (const streams::StreamPtr& stream : all_streams.items) {
    if (!is_wanted(stream->name) || services.media.catalog.find_mapped_channel(stream->arn)) continue;
    CameraAnswer camera;
    camera.name = stream->name;
    describe_recording(camera, services, *stream, {}, now);
    answer.cameras.push_back(std::move(camera));
  }
  std::ranges::sort(answer.cameras, {}, place_of);
  std::erase_if(answer.cameras, [&after](const CameraAnswer& camera) { return place_of(camera) <= after; });
  if (answer.cameras.size() > limit) {
    answer.cameras.resize(limit);
    answer.next_token = place_of(answer.cameras.back());
  }
  co_return aws::encode(answer);
}

Json read_thumbnail(const ConsoleServices services, ReadRequest request) {
  CO_TRY_VOID(request.allow({}));
  CO_TRY(const streams::StreamPtr stream, services.media.catalog.find_stream({.name = request.name, .arn = {}}));
  CO_TRY(const streams::ThumbnailPtr thumbnail,
         co_await services.thumbnails.find(services.media.archive.log(stream->key), async::now()));
  co_return aws::encode(ThumbnailAnswer{stream->name, thumbnail->time, "image/jpeg", base::to_base64(thumbnail->jpeg)});
}

}  // namespace

void add_camera_reads(Handlers& handlers, const ConsoleServices& services) {
  handlers.add_read("/api/v1/cameras", "", [services](const Call&, ReadRequest request) {
    return read_cameras(services, std::move(request));
  });
  handlers.add_read("/api/v1/streams/", "/thumbnail", [services](const Call&, ReadRequest request) {
    return read_thumbnail(services, std::move(request));
  });
}

}  // namespace api
