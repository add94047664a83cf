// SPDX-License-Identifier: Apache-2.0
// CPU per packet of SRTP. With 500 sessions the contexts are cold, as on a server that serves 500 cameras.
#include <benchmark/benchmark.h>
#include <time.h>

#include <memory>

#include "webrtc/srtp/opener.hpp"
#include "webrtc/srtp/sealer.hpp"

namespace {

using namespace webrtc::srtp;
// CPU time of this thread, in seconds: what other processes do to the machine does not count.
double cpu_now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Session {
  Session(Profile profile, std::uint8_t seed)
      : sealer(profile, base::Bytes(kKeySize, seed), base::Bytes(salt_size(profile), 2)),
        opener(profile, base::Bytes(kKeySize, seed), base::Bytes(salt_size(profile), 2)) {}
  Sealer sealer;
  Opener opener;
  std::uint32_t next = 0;
};

base::Bytes make_packet(Session& session, std::size_t payload) {
  base::Bytes packet;
  packet.reserve(12 + payload + kMaxExpansion);
  base::ByteWriter writer(packet);
  writer.u16(0x8060);
  writer.u16(session.next & 0xffff);
  writer.u32(session.next / 10 * 3000);
  writer.u32(1);
  ++session.next;
  writer.zeros(payload);
  return packet;
}

std::vector<std::unique_ptr<Session>> make_sessions(Profile profile, std::int64_t count) {
  std::vector<std::unique_ptr<Session>> sessions;
  for (std::int64_t i = 0; i < count; ++i) {
    sessions.push_back(std::make_unique<Session>(profile, static_cast<std::uint8_t>(i)));
  }
  return sessions;
}

// Arguments: profile, payload size, sessions. Each tick brings some packets to each session.
constexpr std::size_t kPacketsPerTick = 8;

template <class Step>
void run(benchmark::State& state, Step step) {
  auto sessions = make_sessions(static_cast<Profile>(state.range(0)), state.range(2));
  std::size_t at = 0;
  for (auto unused : state) {
    (void)unused;
    state.SetIterationTime(step(*sessions[at], static_cast<std::size_t>(state.range(1))));
    at = (at + 1) % sessions.size();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPacketsPerTick));
}

void open_rtp(benchmark::State& state) {
  run(state, [](Session& session, std::size_t payload) {
    std::vector<base::Bytes> packets;
    for (std::size_t i = 0; i < kPacketsPerTick; ++i) {
      packets.push_back(make_packet(session, payload));
      if (!session.sealer.seal_rtp(packets.back())) std::abort();
    }
    std::vector<base::MutableByteView> views(packets.begin(), packets.end());
    const double begin = cpu_now();
    session.opener.open_rtp_batch(views);
    const double end = cpu_now();
    if (views.front().empty()) std::abort();
    return end - begin;
  });
}

void seal_rtp(benchmark::State& state) {
  run(state, [](Session& session, std::size_t payload) {
    std::vector<base::Bytes> packets;
    for (std::size_t i = 0; i < kPacketsPerTick; ++i) packets.push_back(make_packet(session, payload));
    const double begin = cpu_now();
    for (base::Bytes& packet : packets) benchmark::DoNotOptimize(session.sealer.seal_rtp(packet));
    const double end = cpu_now();
    return end - begin;
  });
}

constexpr auto kCm = static_cast<std::int64_t>(Profile::Aes128CmSha1_80);
constexpr auto kGcm = static_cast<std::int64_t>(Profile::AeadAes128Gcm);

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"profile", "payload", "sessions"})->UseManualTime();
  for (const std::int64_t profile : {kCm, kGcm}) {
    for (const std::int64_t payload : {120, 1100}) {
      for (const std::int64_t sessions : {1, 500}) benchmark->Args({profile, payload, sessions});
    }
  }
}

BENCHMARK(open_rtp)->Apply(arguments);
BENCHMARK(seal_rtp)->Apply(arguments);

}  // namespace
