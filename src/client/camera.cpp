// SPDX-License-Identifier: Apache-2.0
#include "client/camera.hpp"

#include <fmt/format.h>

#include <future>

#include "async/shard.hpp"
#include "client/media_files.hpp"
#include "client/publisher.hpp"
#include "client/stop.hpp"
#include "client/test_source.hpp"
#include "net/http_connections.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

constexpr base::Duration kSharedLoop = std::chrono::seconds(10);
// From here on cameras send evenly over the time between key frames, and begin at different places of their loop.
constexpr int kMany = 16;
// So many wait to see their first fragment in a list: each asks once a second.
constexpr int kWatchers = 16;

// What all cameras of a run have together.
struct SharedSetup {
  PublisherOptions publisher;
  std::shared_ptr<MediaLoop> loop;  // null: each camera encodes its own test picture
  TestOptions test;
  bool repeat = false;
};

base::Result<void> check(const CameraOptions& options) {
  if (options.count < 1 || options.count > 10000) return fail(Errc::InvalidArgument, "--count is 1 to 10000");
  if (options.threads < 1 || options.threads > 256) return fail(Errc::InvalidArgument, "--threads is 1 to 256");
  if (options.channel.empty()) return fail(Errc::InvalidArgument, "--channel is missing");
  if (options.h264_file.empty() && !options.opus_file.empty())
    return fail(Errc::InvalidArgument, "--opus goes with --h264: the test picture brings its own tone");
  if (options.h264_file.empty() && !options.low_h264_file.empty())
    return fail(Errc::InvalidArgument, "--low-h264 goes with --h264: it has the same pictures at a lower bit rate");
  if (options.joins_at_once < 1) return fail(Errc::InvalidArgument, "--joins-at-once is 1 or more");
  if (!options.srtp_profile.empty() && options.srtp_profile != "aes-gcm" && options.srtp_profile != "aes-cm")
    return fail(Errc::InvalidArgument, "--srtp-profile is aes-gcm or aes-cm");
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
    if (!options.low_h264_file.empty()) TRY_VOID(add_low_pictures(*setup.loop, options.low_h264_file));
    setup.loop->low_for = options.low_for;
  } else if (options.count > 1 || !options.manifest.empty()) {
    TRY(setup.loop, make_test_loop(setup.test, kSharedLoop));
  }
  if (setup.loop) {
    setup.loop->prepare(options.like_c_sdk);
    master.link.video = setup.loop->video;
    master.link.sound = setup.loop->audio;
  }
  if (options.srtp_profile == "aes-gcm") master.link.srtp_profiles = {webrtc::SrtpProfile::AeadAes128Gcm};
  if (options.srtp_profile == "aes-cm") master.link.srtp_profiles = {webrtc::SrtpProfile::Aes128CmSha1_80};
  master.link.audio = setup.loop ? setup.loop->has(codecs::MediaKind::Audio) : options.audio;
  return setup;
}

base::Result<std::unique_ptr<MediaSource>> make_source(const SharedSetup& setup, const CameraOptions& options,
                                                       int index) {
  if (!setup.loop) return make_test_source(setup.test);
  std::size_t begin = 0;
  const std::vector<std::size_t> places = setup.loop->key_frames();
  if (setup.repeat && options.count >= kMany && !places.empty())
    begin = places[static_cast<std::size_t>(index) % places.size()];
  return std::make_unique<LoopSource>(setup.loop, setup.repeat, begin);
}

std::string numbered(const std::string& name, const CameraOptions& options, int index) {
  return options.count == 1 ? name : fmt::format("{}-{}", name, index + 1);
}

// A thread that sends, and what its cameras share.
struct Thread {
  explicit Thread(std::string name) : shard(std::move(name)) {}
  // What lives on the shard goes there.
  ~Thread() {
    shard.run_blocking([this] {
      ports.reset();
      pacer.reset();
      turns.reset();
      http.reset();
    });
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  base::Result<void> open(int joins_at_once) {
    return shard.run_blocking([&]() -> base::Result<void> {
      pacer = std::make_shared<Pacer>(shard);
      turns = std::make_shared<Turns>(shard, joins_at_once);
      http = std::make_shared<net::HttpConnections>(shard);
      TRY(ports, net::UdpPortGroup::make(shard));
      return {};
    });
  }

  async::Shard shard;
  std::shared_ptr<net::UdpPortGroup> ports;
  std::shared_ptr<Pacer> pacer;
  std::shared_ptr<Turns> turns;
  std::shared_ptr<net::HttpConnections> http;
};

PublisherOptions make_publisher(const SharedSetup& setup, const CameraOptions& options, int index, Thread& thread) {
  PublisherOptions one = setup.publisher;
  one.participant.channel = numbered(options.channel, options, index);
  one.participant.stream = numbered(options.stream.empty() ? options.channel : options.stream, options, index);
  one.participant.api.connections = thread.http;
  one.participant.link.ports = thread.ports;
  one.pacer = thread.pacer;
  one.turns = thread.turns;
  one.watch_for_fragment = index < kWatchers;
  if (options.count >= kMany) one.phase = one.cycle * index / options.count;
  return one;
}

// Runs one camera on its shard; the promise is kept whatever happens, and nothing of the shard is held then.
async::Task<void> run_one(async::Shard& shard, PublisherOptions options, std::unique_ptr<MediaSource> source,
                          std::promise<CameraResult>& promise) {
  CameraResult result;
  result.channel = options.participant.channel;
  try {
    Publisher publisher(shard, std::exchange(options, {}), std::move(source));
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
  std::vector<std::unique_ptr<Thread>> threads;
  for (int i = 0; i < std::min(options.threads, options.count); ++i) {
    threads.push_back(std::make_unique<Thread>(fmt::format("camera-{}", i)));
    TRY_VOID(threads.back()->open(options.joins_at_once));
  }
  for (int i = 0; i < options.count; ++i) {
    Thread& thread = *threads[static_cast<std::size_t>(i) % threads.size()];
    PublisherOptions one = make_publisher(setup, options, i, thread);
    TRY(auto source, make_source(setup, options, i));
    auto& promise = promises[static_cast<std::size_t>(i)];
    std::string name = fmt::format("camera {}", one.participant.channel);
    thread.shard.spawn(std::move(name),
                       [&thread, &promise, one = std::move(one), source = std::move(source)]() mutable {
                         return run_one(thread.shard, std::move(one), std::move(source), promise);
                       });
  }
  std::vector<CameraResult> results;
  for (auto& promise : promises) results.push_back(promise.get_future().get());
  if (!options.manifest.empty()) TRY_VOID(write_manifest(options.manifest, *setup.loop, results));
  return results;
}

}  // namespace client
