// SPDX-License-Identifier: Apache-2.0
// What the disk holds.
#include <map>

#include "api/console/console_reads.hpp"
#include "async/shard.hpp"
#include "aws/json.hpp"

namespace api {
namespace {

// As coverage has it (docs/api.md): the newest fragment ended so long ago at most, and did not say that it is the last.
constexpr std::chrono::seconds kLiveFor(30);

async::Task<base::Result<StreamUseAnswer>> describe(const ConsoleServices& services, const streams::Stream& stream,
                                                    base::WallTime now) {
  StreamUseAnswer answer;
  answer.stream_name = stream.name;
  answer.stream_arn = stream.arn;
  answer.retention_hours = stream.retention_hours;
  const streams::FragmentLogPtr log = services.media.archive.log(stream.key);
  const RecordingNow recording = recording_now(*log, now);
  answer.newest_end = recording.newest_end;
  answer.bits_per_second = recording.bits_per_second;
  CO_TRY(const auto first, co_await log->after({}, 1));
  if (!first.empty()) answer.oldest = first.front().header.producer_time;
  co_return answer;
}

Json read_storage(const ConsoleServices services, ReadRequest request) {
  CO_TRY_VOID(request.allow({}));
  StorageAnswer answer;
  CO_TRY(const DiskSpace space, co_await services.readers.run([&] { return services.disk_space(); }));
  answer.disk_capacity = static_cast<std::int64_t>(space.capacity);
  answer.disk_free = static_cast<std::int64_t>(space.free);
  CO_TRY(const auto uses, co_await services.readers.run([&] { return services.media.archive.uses(); }));
  const base::WallTime now = async::wall_now();
  CO_TRY(const auto all_streams, services.media.catalog.list_streams({}));
  for (const streams::StreamPtr& stream : all_streams.items) {
    CO_TRY(StreamUseAnswer described, co_await describe(services, *stream, now));
    for (const auto& use : uses) {
      if (use.stream != stream->key) continue;
      described.fragments = static_cast<std::int64_t>(use.fragments);
      described.bytes = static_cast<std::int64_t>(use.bytes);
    }
    answer.streams.push_back(std::move(described));
  }
  co_return aws::encode(answer);
}

}  // namespace

RecordingNow recording_now(const streams::FragmentLog& log, base::WallTime now) {
  RecordingNow recording;
  const auto last = log.last();
  if (!last) return recording;
  const streams::FragmentHeader& header = last->header;
  recording.newest_end = header.producer_time + header.duration;
  const bool is_live = !header.ended_by && header.server_time + header.duration + kLiveFor > now;
  if (!is_live || header.duration.count() <= 0) return recording;
  recording.bits_per_second = static_cast<std::int64_t>(last->payload_size) * 8 * 1'000'000 / header.duration.count();
  return recording;
}

void add_storage_reads(Handlers& handlers, const ConsoleServices& services) {
  handlers.add_read("/api/v1/storage", "", [services](const Call&, ReadRequest request) {
    return read_storage(services, std::move(request));
  });
}

void add_console_reads(Handlers& handlers, ConsoleServices services) {
  add_camera_reads(handlers, services);
  add_storage_reads(handlers, services);
}

}  // namespace api
