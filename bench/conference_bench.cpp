// SPDX-License-Identifier: Apache-2.0
// The sound of a storage session. One iteration is one second of a conference: what it takes is CPU per second,
// `speaker_us` of it for each speaker and `listener_us` for each who only listens.
#include <benchmark/benchmark.h>
#include <opus.h>

#include <cmath>
#include <ctime>
#include <vector>

#include "base/check.hpp"
#include "conference/conference.hpp"

namespace {

using conference::AudioPacket;
using conference::Conference;
using conference::ParticipantId;
using conference::SharedPayload;

constexpr int kPackets = 50;

// A second of hum with overtones, coded as a camera does.
std::vector<SharedPayload> make_second(double pitch, double loudness = 0.1) {
  int error = 0;
  OpusEncoder* encoder = opus_encoder_create(48'000, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(48'000));
  std::vector<SharedPayload> packets;
  for (int at = 0; at < kPackets; ++at) {
    std::vector<float> pcm(960);
    for (int i = 0; i < 960; ++i) {
      const double t = (at * 960 + i) / 48'000.0;
      double sound = 0;
      for (int k = 1; k < 20; ++k) sound += std::sin(6.283185 * pitch * k * t) / k;
      pcm[static_cast<std::size_t>(i)] =
          static_cast<float>(loudness * sound * (0.6 + 0.4 * std::sin(6.283185 * 4 * t)));
    }
    base::Bytes packet(1275);
    const int size = opus_encode_float(encoder, pcm.data(), 960, packet.data(), 1275);
    CHECK(size > 0);
    packet.resize(static_cast<std::size_t>(size));
    packets.push_back(std::make_shared<const base::Bytes>(std::move(packet)));
  }
  opus_encoder_destroy(encoder);
  return packets;
}

void run_second(Conference& room, const std::vector<std::vector<SharedPayload>>& sounds, int& tick, std::size_t& sent) {
  for (int i = 0; i < kPackets; ++i, ++tick) {
    const base::Instant now = base::Instant(std::chrono::hours(1)) + tick * conference::kFrameTime;
    while (room.next_timeout() <= now) room.handle_timeout(now);
    for (std::size_t speaker = 0; speaker < sounds.size(); ++speaker) {
      AudioPacket packet;
      packet.ssrc = 1;
      packet.sequence = static_cast<std::uint16_t>(tick);
      packet.timestamp = static_cast<std::uint32_t>(tick) * 960;
      packet.payload = sounds[speaker][static_cast<std::size_t>(tick % kPackets)];
      room.packet(static_cast<ParticipantId>(speaker), packet, now);
    }
    while (const auto transmit = room.poll_transmit()) benchmark::DoNotOptimize(sent += transmit->payload->size());
  }
}

// One has the floor, the others send CELT below the level of voice: each is decoded to know that.
void second_of_quiet_senders(benchmark::State& state) {
  const auto senders = static_cast<std::size_t>(state.range(0));
  Conference room;
  std::vector<std::vector<SharedPayload>> sounds;
  for (std::size_t i = 0; i <= senders; ++i) sounds.push_back(make_second(110, i == 0 ? 0.1 : 0.0005));
  for (std::size_t i = 0; i <= senders; ++i) {
    CHECK(room.join(static_cast<ParticipantId>(i), base::Instant(std::chrono::hours(1))).has_value());
  }
  int tick = 0;
  std::size_t sent = 0;
  run_second(room, sounds, tick, sent);
  const std::clock_t begin = std::clock();
  for ([[maybe_unused]] auto _ : state) run_second(room, sounds, tick, sent);
  const double spent = static_cast<double>(std::clock() - begin) * 1e6 / CLOCKS_PER_SEC;
  CHECK(!room.mixing());
  state.counters["us_per_quiet_sender"] =
      spent / static_cast<double>(state.iterations()) / static_cast<double>(senders);
}

// Arguments: speakers, listeners who do not speak.
void second_of_conference(benchmark::State& state) {
  const auto speakers = static_cast<std::size_t>(state.range(0));
  const auto listeners = static_cast<std::size_t>(state.range(1));
  conference::Options options;
  options.max_participants = 1000;
  Conference room(options);
  std::vector<std::vector<SharedPayload>> sounds;
  for (std::size_t i = 0; i < speakers; ++i) sounds.push_back(make_second(110 + 17 * static_cast<double>(i)));
  for (std::size_t i = 0; i < speakers + listeners; ++i) {
    CHECK(room.join(static_cast<ParticipantId>(i), base::Instant(std::chrono::hours(1))).has_value());
  }
  int tick = 0;
  std::size_t sent = 0;
  run_second(room, sounds, tick, sent);
  const std::clock_t begin = std::clock();
  for ([[maybe_unused]] auto _ : state) run_second(room, sounds, tick, sent);
  const double spent = static_cast<double>(std::clock() - begin) * 1e6 / CLOCKS_PER_SEC;
  CHECK(room.mixing() == (speakers > 1 && speakers + listeners > 2));
  const double seconds = static_cast<double>(state.iterations());
  state.counters["us_per_speaker"] = spent / seconds / static_cast<double>(speakers);
  state.counters["us_per_participant"] = spent / seconds / static_cast<double>(speakers + listeners);
  state.counters["sent_bytes"] = static_cast<double>(sent) / (seconds + 1);
}

BENCHMARK(second_of_conference)
    ->Name("conference/forward")
    ->Args({1, 1})
    ->Args({1, 10})
    ->Args({1, 100})
    ->Args({1, 500})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(second_of_conference)
    ->Name("conference/mix")
    ->Args({2, 1})
    ->Args({2, 10})
    ->Args({2, 500})
    ->Args({4, 1})
    ->Args({8, 1})
    ->Args({8, 100})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(second_of_quiet_senders)->Name("conference/quiet")->Arg(3)->Arg(20)->Unit(benchmark::kMicrosecond);

}  // namespace
