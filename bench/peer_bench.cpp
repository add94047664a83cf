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
  Call(SrtpProfile profile, std::uint64_t seed) : random(seed) {
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
    frame.payload.resize(4 + 8000);
    random.fill(frame.payload);
    base::ByteWriter(frame.payload).patch(0, 8000, 4);
  }

  void pass(Peer& from, Peer& to) {
    while (auto transmit = from.poll_transmit()) {
      to.handle_datagram(now, {{transmit->flow.remote, transmit->flow.local}, transmit->payload});
    }
    while (from.poll_event()) {
    }
  }

  // One frame of eight packets; returns the time that the server takes.
  double send_frame(std::size_t& packets) {
    now += std::chrono::milliseconds(33);
    frame.key_frame = ticks % 60 == 0;
    frame.payload[4] = frame.key_frame ? 0x65 : 0x41;
    frame.payload[5] = 0x88;
    camera->send_frame(now, MediaKind::Video, frame, ticks++ * 3000, kToday);
    std::vector<base::Transmit> sent;
    while (auto transmit = camera->poll_transmit()) sent.push_back(*std::move(transmit));
    std::vector<base::Datagram> batch;
    for (auto& one : sent) batch.push_back({{one.flow.remote, one.flow.local}, one.payload});
    packets += batch.size();
    const double begin = cpu_now();
    server->handle_datagrams(now, batch);
    if (server->next_timeout() <= now) server->handle_timeout(now);
    while (auto event = server->poll_event()) benchmark::DoNotOptimize(*event);
    const double end = cpu_now();
    if (camera->next_timeout() <= now) camera->handle_timeout(now);
    pass(*server, *camera);
    return end - begin;
  }

  base::SeededRandom random;
  base::Instant now = base::Instant{} + std::chrono::seconds(1);
  std::unique_ptr<Peer> server, camera;
  codecs::Frame frame;
  std::uint32_t ticks = 0;
};

void receive(benchmark::State& state) {
  std::vector<std::unique_ptr<Call>> calls;
  for (std::int64_t i = 0; i < state.range(1); ++i) {
    calls.push_back(
        std::make_unique<Call>(static_cast<SrtpProfile>(state.range(0)), static_cast<std::uint64_t>(i + 1)));
  }
  std::size_t packets = 0;
  std::size_t at = 0;
  for (auto unused : state) {
    (void)unused;
    state.SetIterationTime(calls[at]->send_frame(packets));
    at = (at + 1) % calls.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
}

BENCHMARK(receive)
    ->ArgNames({"profile", "sessions"})
    ->UseManualTime()
    ->Args({static_cast<std::int64_t>(SrtpProfile::Aes128CmSha1_80), 1})
    ->Args({static_cast<std::int64_t>(SrtpProfile::AeadAes128Gcm), 1})
    ->Args({static_cast<std::int64_t>(SrtpProfile::AeadAes128Gcm), 200});

}  // namespace
