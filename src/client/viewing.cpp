// SPDX-License-Identifier: Apache-2.0
#include "client/viewing.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <future>

#include "async/shard.hpp"
#include "async/timer.hpp"
#include "client/stop.hpp"
#include "client/viewer.hpp"
#include "client/viewer_report.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

// Viewers of one process do not all join in the same instant.
constexpr base::Duration kStagger = std::chrono::milliseconds(5);
// Of many viewers the first few read the clock, and of key frames only: decoding costs more than receiving.
constexpr int kReadersOfMany = 8;

base::Result<void> check(const ViewingOptions& options) {
  if (options.viewers < 1 || options.viewers > 10000) return fail(Errc::InvalidArgument, "--viewers is 1 to 10000");
  if (options.threads < 1 || options.threads > 256) return fail(Errc::InvalidArgument, "--threads is 1 to 256");
  if (options.channel.empty()) return fail(Errc::InvalidArgument, "--channel is missing");
  if (options.talk && !options.audio) return fail(Errc::InvalidArgument, "--talk does not go with --no-audio");
  if (options.client_id.empty()) return fail(Errc::InvalidArgument, "--client-id is empty: that would be the master");
  return {};
}

// Runs one viewer on its shard; the promise is kept whatever happens.
async::Task<void> run_one(async::Shard& shard, ViewerOptions options, base::Duration delay,
                          std::promise<ViewerResult>& promise) {
  ViewerResult result;
  result.client_id = options.participant.client_id;
  try {
    co_await async::sleep_for(delay);
    Viewer viewer(shard, std::move(options));
    result = co_await viewer.run();
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  promise.set_value(std::move(result));
}

}  // namespace

base::Result<std::vector<ViewerResult>> view(const ViewingOptions& options) {
  clear_stop();
  TRY_VOID(check(options));
  ViewerOptions common;
  TRY(common.participant, make_participant_options(options));
  common.participant.channel = options.channel;
  common.participant.link.audio = options.audio;
  common.participant.link.talks = options.talk;
  common.quiet = options.quiet;
  common.every_picture = options.viewers == 1;
  if (options.duration) common.until = async::now() + *options.duration;

  std::vector<std::promise<ViewerResult>> promises(static_cast<std::size_t>(options.viewers));
  std::vector<std::unique_ptr<async::Shard>> shards;
  std::vector<std::shared_ptr<ClockReader>> clocks;
  for (int i = 0; i < std::min(options.threads, options.viewers); ++i) {
    shards.push_back(std::make_unique<async::Shard>(fmt::format("viewer-{}", i)));
    TRY(clocks.emplace_back(), ClockReader::open());
  }
  for (int i = 0; i < options.viewers; ++i) {
    const std::size_t place = static_cast<std::size_t>(i) % shards.size();
    ViewerOptions one = common;
    one.participant.client_id =
        options.viewers == 1 ? options.client_id : fmt::format("{}-{}", options.client_id, i + 1);
    if (i < kReadersOfMany) one.clock = clocks[place];
    if (options.talk) {
      TRY(one.speaker, Speaker::open());
    }
    async::Shard& shard = *shards[place];
    auto& promise = promises[static_cast<std::size_t>(i)];
    std::string name = fmt::format("viewer {}", one.participant.client_id);
    shard.spawn(std::move(name), [&shard, &promise, one = std::move(one), delay = i * kStagger]() mutable {
      return run_one(shard, std::move(one), delay, promise);
    });
  }
  std::vector<ViewerResult> results;
  for (auto& promise : promises) results.push_back(promise.get_future().get());
  return results;
}

int run_viewer(const ViewingOptions& options) {
  stop_on_signals();
  const auto results = view(options);
  if (!results) {
    fmt::print(stderr, "tidegate viewer: {}\n", results.error().message);
    return 2;
  }
  fmt::print("{}\n", options.json ? to_json(*results) : to_lines(*results));
  std::fflush(stdout);
  for (const ViewerResult& result : *results) {
    if (!result.error.empty()) return 1;
  }
  return 0;
}

}  // namespace client
