// SPDX-License-Identifier: Apache-2.0
#include "api/archived_media/selection_rules.hpp"
#include "api/fragment_times.hpp"
#include "api/media_services.hpp"
#include "api/resource_names.hpp"
#include "async/shard.hpp"
#include "aws/archived_media.hpp"

namespace api {
namespace {

namespace archived = aws::archived_media;
using archived::GetDASHStreamingSessionURLInput;
using archived::GetHLSStreamingSessionURLInput;
using archived::HLSDiscontinuityMode;
using archived::HLSPlaybackMode;
using async::Task;
using streams::StreamingRequest;

constexpr std::int32_t kDefaultExpires = 300;
constexpr std::int64_t kLiveResults = 5;
constexpr std::int64_t kOnDemandResults = 1000;

std::unexpected<aws::Error> refuse(std::string message) {
  return aws::fail(archived::kInvalidArgument, std::move(message));
}

// Contract 5.2. `member` names the selector.
template <class Selector>
aws::Outcome<void> read_range(const std::optional<Selector>& selector, const std::string& member, base::WallTime now,
                              StreamingRequest& request) {
  const bool has_range = selector && selector->timestamp_range;
  if (request.mode == streams::PlaybackMode::Live) {
    if (has_range) return refuse("TimestampRange must not be given when PlaybackMode is LIVE.");
    return {};
  }
  const bool is_replay = request.mode == streams::PlaybackMode::LiveReplay;
  if (!has_range) {
    return refuse(member + " with a TimestampRange is required when PlaybackMode is " +
                  (is_replay ? "LIVE_REPLAY." : "ON_DEMAND."));
  }
  request.from = selector->timestamp_range->start_timestamp;
  request.to = selector->timestamp_range->end_timestamp;
  if (is_replay && !request.from) return refuse("StartTimestamp is required when PlaybackMode is LIVE_REPLAY.");
  if (!is_replay && (!request.from || !request.to)) {
    return refuse("StartTimestamp and EndTimestamp are required when PlaybackMode is ON_DEMAND.");
  }
  if (!request.to) return {};
  if (auto fits = check_range(*request.from, *request.to); !fits) return fits;
  if (request.axis == streams::TimeAxis::Server && *request.to > now) {
    return refuse("EndTimestamp must be in the past when FragmentSelectorType is SERVER_TIMESTAMP.");
  }
  request.to = to_inclusive_end(*request.to);
  return {};
}

streams::DiscontinuityMode read_discontinuities(const GetHLSStreamingSessionURLInput& input, streams::TimeAxis axis) {
  if (!input.discontinuity_mode) {
    return axis == streams::TimeAxis::Server ? streams::DiscontinuityMode::Always : streams::DiscontinuityMode::Never;
  }
  switch (*input.discontinuity_mode) {
    case HLSDiscontinuityMode::Always:
      return streams::DiscontinuityMode::Always;
    case HLSDiscontinuityMode::Never:
      return streams::DiscontinuityMode::Never;
    case HLSDiscontinuityMode::OnDiscontinuity:
      return streams::DiscontinuityMode::OnDiscontinuity;
  }
  return streams::DiscontinuityMode::Always;
}

template <class Mode>
streams::PlaybackMode to_mode(Mode mode) {
  switch (mode) {
    case Mode::Live:
      return streams::PlaybackMode::Live;
    case Mode::LiveReplay:
      return streams::PlaybackMode::LiveReplay;
    case Mode::OnDemand:
      return streams::PlaybackMode::OnDemand;
  }
  return streams::PlaybackMode::Live;
}

std::uint32_t read_results(std::optional<std::int64_t> wanted, streams::PlaybackMode mode) {
  const std::int64_t results = mode == streams::PlaybackMode::OnDemand ? kOnDemandResults : kLiveResults;
  return static_cast<std::uint32_t>(wanted.value_or(results));
}

aws::Outcome<StreamingRequest> read_request(const GetHLSStreamingSessionURLInput& input, base::WallTime now) {
  StreamingRequest request;
  request.mpeg_ts = input.container_format == archived::ContainerFormat::MpegTs;
  request.mode = to_mode(input.playback_mode.value_or(HLSPlaybackMode::Live));
  if (input.hls_fragment_selector &&
      input.hls_fragment_selector->fragment_selector_type == archived::HLSFragmentSelectorType::ProducerTimestamp) {
    request.axis = streams::TimeAxis::Producer;
  }
  auto range = read_range(input.hls_fragment_selector, "HLSFragmentSelector", now, request);
  if (!range) return std::unexpected(std::move(range).error());
  request.discontinuities = read_discontinuities(input, request.axis);
  request.show_timestamps = input.display_fragment_timestamp == archived::HLSDisplayFragmentTimestamp::Always;
  request.lifetime = std::chrono::seconds(input.expires.value_or(kDefaultExpires));
  request.max_fragments = read_results(input.max_media_playlist_fragment_results, request.mode);
  return request;
}

aws::Outcome<StreamingRequest> read_request(const GetDASHStreamingSessionURLInput& input, base::WallTime now) {
  StreamingRequest request;
  request.mode = to_mode(input.playback_mode.value_or(archived::DASHPlaybackMode::Live));
  if (input.dash_fragment_selector &&
      input.dash_fragment_selector->fragment_selector_type == archived::DASHFragmentSelectorType::ProducerTimestamp) {
    request.axis = streams::TimeAxis::Producer;
  }
  auto range = read_range(input.dash_fragment_selector, "DASHFragmentSelector", now, request);
  if (!range) return std::unexpected(std::move(range).error());
  request.discontinuities = streams::DiscontinuityMode::OnDiscontinuity;
  request.show_timestamps = input.display_fragment_timestamp == archived::DASHDisplayFragmentTimestamp::Always;
  request.show_numbers = input.display_fragment_number == archived::DASHDisplayFragmentNumber::Always;
  request.lifetime = std::chrono::seconds(input.expires.value_or(kDefaultExpires));
  request.max_fragments = read_results(input.max_manifest_fragment_results, request.mode);
  return request;
}

aws::Error to_playback_error(base::Error error) {
  if (error.code == base::Errc::Unsupported) return {archived::kUnsupportedStreamMediaType, std::move(error.message)};
  if (error.code == base::Errc::Incomplete) return {archived::kMissingCodecPrivateData, std::move(error.message)};
  if (error.code == base::Errc::Corrupt) return {archived::kInvalidCodecPrivateData, std::move(error.message)};
  return {std::move(error)};
}

// The session's token.
template <class Input>
Task<aws::Outcome<std::string>> open_session(const MediaServices& services, std::string access_key,
                                             const Input& input) {
  CO_TRY(const streams::StreamPtr stream, services.catalog.find_stream(stream_of(input)));
  const base::WallTime now = async::wall_now();
  auto request = read_request(input, now);
  if (!request) co_return std::unexpected(std::move(request).error());
  if (auto kept = check_keeps_data(*stream); !kept) co_return std::unexpected(std::move(kept).error());
  request->owner = std::move(access_key);
  auto token = co_await services.streaming.open(stream->key, *request, now);
  if (!token) co_return std::unexpected(to_playback_error(std::move(token).error()));
  co_return *std::move(token);
}

Task<aws::Outcome<archived::GetHLSStreamingSessionURLOutput>> get_hls_url(const MediaServices& services,
                                                                          const Call& call,
                                                                          GetHLSStreamingSessionURLInput input) {
  auto token = co_await open_session(services, call.access_key_id, input);
  if (!token) co_return std::unexpected(std::move(token).error());
  archived::GetHLSStreamingSessionURLOutput output;
  output.hls_streaming_session_url = call.base_url + "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=" + *token;
  co_return output;
}

Task<aws::Outcome<archived::GetDASHStreamingSessionURLOutput>> get_dash_url(const MediaServices& services,
                                                                            const Call& call,
                                                                            GetDASHStreamingSessionURLInput input) {
  auto token = co_await open_session(services, call.access_key_id, input);
  if (!token) co_return std::unexpected(std::move(token).error());
  archived::GetDASHStreamingSessionURLOutput output;
  output.dash_streaming_session_url = call.base_url + "/dash/v1/getDASHManifest.mpd?SessionToken=" + *token;
  co_return output;
}

}  // namespace

void add_session_urls(Handlers& handlers, MediaServices services) {
  handlers.add<archived::GetHLSStreamingSessionURL>([services](const Call& call, GetHLSStreamingSessionURLInput input) {
    return get_hls_url(services, call, std::move(input));
  });
  handlers.add<archived::GetDASHStreamingSessionURL>(
      [services](const Call& call, GetDASHStreamingSessionURLInput input) {
        return get_dash_url(services, call, std::move(input));
      });
}

}  // namespace api
