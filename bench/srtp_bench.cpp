// SPDX-License-Identifier: Apache-2.0
// CPU per packet of SRTP. With 500 sessions the contexts are cold, as on a server that serves 500 cameras.
#include <benchmark/benchmark.h>
#include <time.h>

#include <memory>

#include "webrtc/srtp/open_batch.hpp"
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
  Session(Profile profile, std::uint8_t seed, Engine engine)
      : sealer(profile, base::Bytes(kKeySize, seed), base::Bytes(salt_size(profile), 2), engine),
        opener(profile, base::Bytes(kKeySize, seed), base::Bytes(salt_size(profile), 2), engine) {}
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

std::vector<base::Bytes> make_sealed(Session& session, std::size_t payload, std::size_t count) {
  std::vector<base::Bytes> packets;
  for (std::size_t i = 0; i < count; ++i) {
    packets.push_back(make_packet(session, payload));
    if (!session.sealer.seal_rtp(packets.back())) std::abort();
  }
  return packets;
}

std::vector<std::unique_ptr<Session>> make_sessions(const benchmark::State& state) {
  std::vector<std::unique_ptr<Session>> sessions;
  for (std::int64_t i = 0; i < state.range(2); ++i) {
    sessions.push_back(std::make_unique<Session>(static_cast<Profile>(state.range(0)), static_cast<std::uint8_t>(i),
                                                 static_cast<Engine>(state.range(3))));
  }
  return sessions;
}

// Arguments: profile, payload size, sessions, engine. Each tick brings some packets to each session.
constexpr std::size_t kPacketsPerTick = 8;

template <class Step>
void run(benchmark::State& state, Step step) {
  auto sessions = make_sessions(state);
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
    std::vector<base::Bytes> packets = make_sealed(session, payload, kPacketsPerTick);
    bool all = true;
    const double begin = cpu_now();
    for (base::Bytes& packet : packets) all &= session.opener.open_rtp(packet).has_value();
    const double end = cpu_now();
    if (!all) std::abort();
    return end - begin;
  });
}

// A tick brings one packet or two to each of many sessions, which are opened together, 32 sessions at a time.
void open_in_batch(benchmark::State& state) {
  constexpr std::size_t kTogether = 32;
  const auto payload = static_cast<std::size_t>(state.range(1));
  auto sessions = make_sessions(state);
  OpenBatch batch;
  std::size_t at = 0, opened = 0;
  for (auto unused : state) {
    (void)unused;
    std::vector<std::pair<Session*, std::vector<base::Bytes>>> tick;
    for (std::size_t i = 0; i < kTogether; ++i) {
      Session& session = *sessions[at++ % sessions.size()];
      tick.emplace_back(&session, make_sealed(session, payload, 1 + i % 2));
    }
    const double begin = cpu_now();
    for (auto& [session, packets] : tick) {
      for (base::Bytes& packet : packets) batch.add(session->opener, packet);
    }
    batch.open();
    state.SetIterationTime(cpu_now() - begin);
    for (const base::ByteView packet : batch.packets()) {
      if (packet.empty()) std::abort();
    }
    opened += batch.size();
    batch.clear();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(opened));
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

constexpr auto kBest = static_cast<std::int64_t>(Engine::Best);
constexpr auto kOpenSsl = static_cast<std::int64_t>(Engine::OpenSsl);

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"profile", "payload", "sessions", "openssl"})->UseManualTime();
  for (const std::int64_t profile : {kCm, kGcm}) {
    for (const std::int64_t payload : {120, 1100}) {
      for (const std::int64_t engine : {kBest, kOpenSsl}) benchmark->Args({profile, payload, 500, engine});
    }
  }
}

BENCHMARK(open_rtp)->Apply(arguments);
BENCHMARK(open_in_batch)->Apply(arguments);
BENCHMARK(seal_rtp)->Apply(arguments);

}  // namespace
