// SPDX-License-Identifier: Apache-2.0
// Masters that join, connect, leave and join again: how many joins a second a server carries. Their signaling sockets
// stay open and their HTTP connections are used again. One line of JSON.
//
// joins --endpoint URL --access-key ID --secret-key SECRET --ca FILE [--masters 100] [--seconds 10]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <future>

#include "async/secure_random.hpp"
#include "async/timer.hpp"
#include "client/participant.hpp"
#include "net/http_connections.hpp"

namespace {

struct Totals {
  std::vector<double> milliseconds;  // from the join to media that can flow
  std::uint64_t failed = 0;
  std::string first_error;
  int ready = 0;
};

struct Run {
  async::Shard& shard;
  client::ParticipantOptions options;
  int masters;
  base::Duration length;
  Totals totals;
  base::Instant begin = base::kNever;  // once all have their sockets
};

async::Task<void> join_again_and_again(Run& run, int number, std::promise<void>& done) {
  async::SecureRandom random;
  async::Notify changed(run.shard);
  client::ParticipantOptions options = run.options;
  options.channel = options.stream = fmt::format("joins-{}", number);
  client::Participant participant(run.shard, random, changed, std::move(options));
  // The first connection opens the signaling socket; it is not counted.
  auto up = co_await participant.prepare();
  if (up) up = co_await participant.connect();
  if (!up) run.totals.first_error = up.error().message;
  if (++run.totals.ready == run.masters) run.begin = run.shard.now();
  while (run.begin == base::kNever) co_await async::sleep_for(std::chrono::milliseconds(20));
  while (up && run.shard.now() < run.begin + run.length) {
    participant.link()->close();
    const auto connected = co_await participant.connect();
    if (connected) {
      run.totals.milliseconds.push_back(std::chrono::duration<double, std::milli>(*participant.timings().dtls).count());
    } else {
      ++run.totals.failed;
      run.totals.first_error = connected.error().message;
    }
  }
  co_await participant.close();
  done.set_value();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Joins a second.");
  client::ServiceOptions service;
  int masters = 100;
  double seconds = 10;
  app.add_option("--endpoint", service.endpoint)->required();
  app.add_option("--region", service.region);
  app.add_option("--access-key", service.access_key)->required();
  app.add_option("--secret-key", service.secret_key)->required();
  app.add_option("--ca", service.ca_file)->required();
  app.add_option("--masters", masters);
  app.add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);
  auto options = client::make_participant_options(service, webrtc::Certificate::Digest::Sha256);
  if (!options) {
    fmt::print(stderr, "joins: {}\n", options.error().message);
    return 1;
  }
  async::Shard shard("masters");
  Run run{shard,
          *std::move(options),
          masters,
          std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds)),
          {}};
  run.options.create = true;
  shard.run_blocking([&] {
    run.options.api.connections = std::make_shared<net::HttpConnections>(shard);
    run.options.link.ports = net::UdpPortGroup::make(shard).value();
  });
  std::vector<std::promise<void>> done(static_cast<std::size_t>(masters));
  for (int i = 0; i < masters; ++i) {
    auto& promise = done[static_cast<std::size_t>(i)];
    shard.spawn("a master", [&run, i, &promise] { return join_again_and_again(run, i, promise); });
  }
  for (auto& each : done) each.get_future().get();
  const double elapsed = std::chrono::duration<double>(async::now() - run.begin).count();
  auto& times = run.totals.milliseconds;
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return times.empty() ? 0 : times[static_cast<std::size_t>(static_cast<double>(times.size() - 1) * share)];
  };
  fmt::print(
      R"({{"masters":{},"joins":{},"seconds":{:.2f},"joins_per_second":{:.1f},"p50_ms":{:.1f},"p99_ms":{:.1f},"failed":{},"error":"{}"}})"
      "\n",
      masters, times.size(), elapsed, static_cast<double>(times.size()) / elapsed, at(0.5), at(0.99), run.totals.failed,
      run.totals.first_error);
  shard.run_blocking([&] {
    run.options.api.connections.reset();
    run.options.link.ports.reset();
  });
  return 0;
}
