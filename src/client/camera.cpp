// SPDX-License-Identifier: Apache-2.0
#include "client/camera.hpp"

#include <fmt/format.h>

#include <future>

#include "async/shard.hpp"
#include "async/timer.hpp"
#include "client/media_files.hpp"
#include "client/publisher.hpp"
#include "client/stop.hpp"
#include "client/test_source.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

constexpr base::Duration kSharedLoop = std::chrono::seconds(10);
// Cameras of one process do not all join in the same instant.
constexpr base::Duration kStagger = std::chrono::milliseconds(10);

// What all cameras of a run have together.
struct SharedSetup {
  PublisherOptions publisher;
  std::shared_ptr<const MediaLoop> loop;  // null: each camera encodes its own test picture
  TestOptions test;
  bool repeat = false;
};

base::Result<void> check(const CameraOptions& options) {
  if (options.count < 1 || options.count > 10000) return fail(Errc::InvalidArgument, "--count is 1 to 10000");
  if (options.threads < 1 || options.threads > 256) return fail(Errc::InvalidArgument, "--threads is 1 to 256");
  if (options.channel.empty()) return fail(Errc::InvalidArgument, "--channel is missing");
  if (options.h264_file.empty() && !options.opus_file.empty())
    return fail(Errc::InvalidArgument, "--opus goes with --h264: the test picture brings its own tone");
  return {};
}

base::Result<SharedSetup> prepare(const CameraOptions& options) {
  TRY_VOID(check(options));
  SharedSetup setup;
  ParticipantOptions& master = setup.publisher.participant;
  // webrtc-sdk-c signs its certificate with SHA-1.
  const auto digest = options.like_c_sdk ? webrtc::Certificate::Digest::Sha1 : webrtc::Certificate::Digest::Sha256;
  TRY(master, make_participant_options(options, digest));
  master.link.like_c_sdk = options.like_c_sdk;
  master.create = options.create;
  master.retention_hours = options.retention_hours;
  setup.publisher.duration = options.duration;
  setup.publisher.quiet = options.quiet;
  if (options.count > 4) setup.publisher.fragment_poll = std::chrono::seconds(1);

  setup.test = {options.width, options.height,          options.picture_rate, options.bitrate_kbps,
                options.audio, std::chrono::seconds(2), async::wall_now()};
  setup.repeat = options.duration.has_value() || options.h264_file.empty();
  if (!options.h264_file.empty()) {
    TRY(setup.loop, load_media({options.h264_file, options.audio ? options.opus_file : std::string(),
                                options.frame_rate, setup.repeat}));
  } else if (options.count > 1) {
    TRY(setup.loop, make_test_loop(setup.test, kSharedLoop));
  }
  master.link.audio = setup.loop ? setup.loop->has(codecs::MediaKind::Audio) : options.audio;
  return setup;
}

base::Result<std::unique_ptr<MediaSource>> make_source(const SharedSetup& setup) {
  if (setup.loop) return std::make_unique<LoopSource>(setup.loop, setup.repeat);
  return make_test_source(setup.test);
}

std::string numbered(const std::string& name, const CameraOptions& options, int index) {
  return options.count == 1 ? name : fmt::format("{}-{}", name, index + 1);
}

// Runs one camera on its shard; the promise is kept whatever happens.
async::Task<void> run_one(async::Shard& shard, PublisherOptions options, std::unique_ptr<MediaSource> source,
                          base::Duration delay, std::promise<CameraResult>& promise) {
  CameraResult result;
  result.channel = options.participant.channel;
  try {
    co_await async::sleep_for(delay);
    Publisher publisher(shard, std::move(options), std::move(source));
    result = co_await publisher.run();
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  promise.set_value(std::move(result));
}

}  // namespace

base::Result<std::vector<CameraResult>> publish(const CameraOptions& options) {
  clear_stop();
  TRY(const SharedSetup setup, prepare(options));
  std::vector<std::promise<CameraResult>> promises(static_cast<std::size_t>(options.count));
  std::vector<std::unique_ptr<async::Shard>> shards;
  for (int i = 0; i < std::min(options.threads, options.count); ++i)
    shards.push_back(std::make_unique<async::Shard>(fmt::format("camera-{}", i)));
  for (int i = 0; i < options.count; ++i) {
    PublisherOptions one = setup.publisher;
    one.participant.channel = numbered(options.channel, options, i);
    one.participant.stream = numbered(options.stream.empty() ? options.channel : options.stream, options, i);
    TRY(auto source, make_source(setup));
    async::Shard& shard = *shards[static_cast<std::size_t>(i) % shards.size()];
    auto& promise = promises[static_cast<std::size_t>(i)];
    std::string name = fmt::format("camera {}", one.participant.channel);
    shard.spawn(std::move(name),
                [&shard, &promise, one = std::move(one), source = std::move(source), delay = i * kStagger]() mutable {
                  return run_one(shard, std::move(one), std::move(source), delay, promise);
                });
  }
  std::vector<CameraResult> results;
  for (auto& promise : promises) results.push_back(promise.get_future().get());
  return results;
}

}  // namespace client
