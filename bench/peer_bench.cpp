// SPDX-License-Identifier: Apache-2.0
// CPU per packet of a Peer that receives: demultiplexing, SRTP, order, depacketizing, events; without sockets.
#include <benchmark/benchmark.h>
#include <time.h>

#include <chrono>
#include <memory>

#include "base/random.hpp"
#include "webrtc/peer/peer.hpp"

namespace {

using namespace webrtc;
// CPU time of this thread, in seconds: what other processes do to the machine does not count.
double cpu_now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

constexpr base::WallTime kToday = base::WallTime(std::chrono::seconds(1'795'000'000));

// A connected pair; nothing is lost.
struct Call {
  Call(SrtpProfile profile, std::uint64_t seed, std::size_t size) : random(seed) {
    PeerOptions options;
    options.certificate = Certificate::make(kToday).value();
    options.local_addresses = {*base::SocketAddress::parse("192.0.2.1:8443")};
    options.srtp_profiles = {profile};
    server = std::make_unique<Peer>(now, random, options);
    options.role = PeerOptions::Role::Answerer;
    options.local_addresses = {*base::SocketAddress::parse("198.51.100.7:50000")};
    options.video = options.audio = Direction::SendOnly;
    camera = std::make_unique<Peer>(now, random, options);
    const auto answer = camera->accept_offer(now, server->create_offer(now)).value();
    if (!server->set_answer(now, answer)) std::abort();
    for (int i = 0; i < 200 && !(server->connected() && camera->connected()); ++i) {
      pass(*server, *camera);
      pass(*camera, *server);
      now += std::chrono::milliseconds(5);
      server->handle_timeout(now);
      camera->handle_timeout(now);
    }
    if (!server->connected()) std::abort();
    frame.codec = codecs::CodecId::H264;
    frame.payload.resize(4 + size);
    random.fill(frame.payload);
    base::ByteWriter(frame.payload).patch(0, size, 4);
  }

  void pass(Peer& from, Peer& to) {
    while (auto transmit = from.poll_transmit()) {
      to.handle_datagram(now, {{transmit->flow.remote, transmit->flow.local}, transmit->payload});
    }
    while (from.poll_event()) {
    }
  }

  // What the camera sends of one frame: its packets, until the next call.
  std::span<base::Datagram> send_frame() {
    now += std::chrono::milliseconds(33);
    frame.key_frame = ticks % 60 == 0;
    frame.payload[4] = frame.key_frame ? 0x65 : 0x41;
    frame.payload[5] = 0x88;
    camera->send_frame(now, MediaKind::Video, frame, ticks++ * 3000, kToday);
    sent.clear();
    batch.clear();
    while (auto transmit = camera->poll_transmit()) sent.push_back(*std::move(transmit));
    for (auto& one : sent) batch.push_back({{one.flow.remote, one.flow.local}, one.payload});
    return batch;
  }

  void take_events() {
    if (server->next_timeout() <= now) server->handle_timeout(now);
    while (auto event = server->poll_event()) benchmark::DoNotOptimize(*event);
  }

  void answer() {
    if (camera->next_timeout() <= now) camera->handle_timeout(now);
    pass(*server, *camera);
  }

  std::vector<base::Transmit> sent;
  std::vector<base::Datagram> batch;
  base::SeededRandom random;
  base::Instant now = base::Instant{} + std::chrono::seconds(1);
  std::unique_ptr<Peer> server, camera;
  codecs::Frame frame;
  std::uint32_t ticks = 0;
};

std::vector<std::unique_ptr<Call>> make_calls(const benchmark::State& state) {
  std::vector<std::unique_ptr<Call>> calls;
  for (std::int64_t i = 0; i < state.range(1); ++i) {
    calls.push_back(std::make_unique<Call>(static_cast<SrtpProfile>(state.range(0)), static_cast<std::uint64_t>(i + 1),
                                           static_cast<std::size_t>(state.range(2))));
  }
  return calls;
}

// Each peer by itself.
void receive(benchmark::State& state) {
  const auto calls = make_calls(state);
  std::size_t packets = 0;
  std::size_t at = 0;
  for (auto unused : state) {
    (void)unused;
    Call& call = *calls[at++ % calls.size()];
    const std::span<base::Datagram> batch = call.send_frame();
    packets += batch.size();
    const double begin = cpu_now();
    call.server->handle_datagrams(call.now, batch);
    call.take_events();
    state.SetIterationTime(cpu_now() - begin);
    call.answer();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
}

// As a media port does: 32 peers of a tick together.
void receive_together(benchmark::State& state) {
  constexpr std::size_t kTogether = 32;
  const auto calls = make_calls(state);
  std::size_t packets = 0;
  std::size_t at = 0;
  OpenBatch opened;
  for (auto unused : state) {
    (void)unused;
    std::vector<Call*> tick;
    for (std::size_t i = 0; i < kTogether; ++i) {
      tick.push_back(calls[at++ % calls.size()].get());
      packets += tick.back()->send_frame().size();
    }
    const double begin = cpu_now();
    for (int step = 0; step < Peer::kPrefetchSteps; ++step) {
      for (const Call* call : tick) call->server->prefetch(step);
    }
    for (Call* call : tick) call->server->sort_datagrams(call->now, call->batch, opened);
    opened.open();
    for (Call* call : tick) {
      call->server->take_opened(call->now, opened);
      call->take_events();
    }
    opened.clear();
    state.SetIterationTime(cpu_now() - begin);
    for (Call* call : tick) call->answer();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
}

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"profile", "sessions", "frame"})->UseManualTime();
  for (const SrtpProfile profile : {SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes128Gcm}) {
    for (const std::int64_t frame : {600, 2800}) benchmark->Args({static_cast<std::int64_t>(profile), 300, frame});
  }
}
BENCHMARK(receive)->Apply(arguments);
BENCHMARK(receive_together)->Apply(arguments);

}  // namespace
