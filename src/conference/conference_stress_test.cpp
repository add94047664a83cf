// SPDX-License-Identifier: Apache-2.0
// Bad wires, bad clocks, many voices, coming and going.
#include <gtest/gtest.h>

#include <cstdlib>

#include "conference/conference_simulation.hpp"
#include "conference/limiter.hpp"

namespace conference {
namespace {

using simulation::amplitude_near;
using simulation::amplitude_of;
using simulation::decibel;
using simulation::kStart;
using simulation::Listener;
using simulation::Room;
using simulation::SpeakerOptions;
using std::chrono::milliseconds;

// TIDEGATE_SEEDS asks for the long runs.
bool long_runs() {
  return std::getenv("TIDEGATE_SEEDS") != nullptr;
}

float peak_of(std::span<const float> sound) {
  float peak = 0;
  for (const float sample : sound) peak = std::max(peak, std::abs(sample));
  return peak;
}

// Decibels of `tone` against `expected` in pieces of 0.2 s of the last `length` seconds, sorted.
std::vector<double> levels_of(const Listener& listener, double length, double tone, double expected) {
  std::vector<double> levels;
  const auto sound = std::span(listener.sound()).last(static_cast<std::size_t>(length * 48'000));
  for (std::size_t at = 0; at + 9600 <= sound.size(); at += 9600) {
    levels.push_back(decibel(amplitude_near(sound.subspan(at, 9600), tone) / expected));
  }
  std::sort(levels.begin(), levels.end());
  return levels;
}

struct Wire {
  unsigned loss_permille;
  int jitter_ms;
};

class BadWire : public testing::TestWithParam<Wire> {};

TEST_P(BadWire, TonesComeThroughTheMix) {
  for (std::uint64_t seed = 1; seed <= (long_runs() ? 20U : 1U); ++seed) {
    Room room({}, seed);
    SpeakerOptions first{.tone = 440};
    first.jitter = milliseconds(GetParam().jitter_ms);
    first.loss_permille = GetParam().loss_permille;
    SpeakerOptions second = first;
    second.tone = 1000;
    second.phase = 0.004;
    room.join(1, first);
    room.join(2, second);
    room.join(3, {.amplitude = 0});
    room.run(15);
    const Listener& listener = room.listener(3);
    EXPECT_EQ(listener.backwards(), 0);
    EXPECT_TRUE(room.conference.mixing());
    const Stats stats = room.conference.stats();
    SCOPED_TRACE(testing::Message() << "seed " << seed << " concealed " << stats.concealed << " late " << stats.late
                                    << " skipped " << stats.skipped);
    for (const double tone : {440.0, 1000.0}) {
      const auto levels = levels_of(listener, 10, tone, 0.25);
      EXPECT_NEAR(levels[levels.size() / 2], 0, GetParam().loss_permille > 100 ? 3 : 1);
      EXPECT_GT(levels[levels.size() / 10], GetParam().loss_permille > 100 ? -10 : -3);
    }
    EXPECT_EQ(stats.skipped, 0U);
    // The queue is as long as the wire is uneven, not longer.
    const auto queue = room.conference.queue(1, room.now());
    ASSERT_TRUE(queue);
    EXPECT_LE(queue->wanted, milliseconds(30 + GetParam().jitter_ms));
    EXPECT_GE(queue->wanted, milliseconds(20));
    if (GetParam().loss_permille == 0) EXPECT_LT(stats.late, 20U);
  }
}

INSTANTIATE_TEST_SUITE_P(Wires, BadWire,
                         testing::Values(Wire{0, 0}, Wire{50, 0}, Wire{200, 0}, Wire{0, 20}, Wire{0, 60}, Wire{50, 40},
                                         Wire{200, 40}),
                         [](const auto& param) {
                           return "loss_" + std::to_string(param.param.loss_permille) + "_jitter_" +
                                  std::to_string(param.param.jitter_ms);
                         });

TEST(Fec, LostPacketsComeFromTheNextOnes) {
  Room room;
  SpeakerOptions speech{
      .tone = 440, .application = OPUS_APPLICATION_VOIP, .bitrate = 24'000, .fec = true, .syllables = true};
  speech.loss_permille = 100;
  room.join(1, speech);
  room.join(2, {.tone = 1000});
  room.join(3, {.amplitude = 0});
  room.run(30);
  const Stats stats = room.conference.stats();
  EXPECT_GT(stats.recovered, 40U);
  EXPECT_LT(stats.concealed, stats.recovered);
}

class Drift : public testing::TestWithParam<double> {};

// Two senders with clocks apart by up to 400 ppm: the queues stay where they belong, nothing is cut and nothing made
// up.
TEST_P(Drift, QueuesKeepTheirLength) {
  const double length = long_runs() ? 3600 : 300;
  Options options;
  options.complexity = 0;
  Room room(options);
  room.join(1, {.tone = 440, .complexity = 0, .drift_ppm = GetParam()}, false);
  room.join(2, {.tone = 1000, .complexity = 0, .drift_ppm = -GetParam(), .phase = 0.007}, false);
  room.join(3, {.amplitude = 0}, true);
  double worst = 0;
  room.after_step = [&](base::Instant now) {
    for (const ParticipantId id : {1U, 2U}) {
      const auto queue = room.conference.queue(id, now);
      if (!queue || now < kStart + std::chrono::seconds(10)) continue;
      worst = std::max(worst, std::abs(std::chrono::duration<double>(queue->waits - queue->wanted).count()));
    }
    if (room.listener(3).sound().size() > 20 * 48'000) room.listener(3).forget_sound();
  };
  room.run(length);
  EXPECT_TRUE(room.conference.mixing());
  // Between two ticks the queue falls by 20 ms and fills again.
  EXPECT_LT(worst, 0.022);
  const Stats stats = room.conference.stats();
  EXPECT_EQ(stats.concealed, 0U);
  EXPECT_EQ(stats.skipped, 0U);
  EXPECT_EQ(stats.late, 0U);
  for (const auto& packet : room.listener(3).packets()) ASSERT_EQ(packet.gap, 0U);
  const auto& sound = room.listener(3).sound();
  ASSERT_GE(sound.size(), 9600U);
  const auto tail = std::span(sound).last(9600);
  EXPECT_NEAR(decibel(amplitude_near(tail, 440) / 0.25), 0, 1);
  EXPECT_NEAR(decibel(amplitude_near(tail, 1000) / 0.25), 0, 1);
}

INSTANTIATE_TEST_SUITE_P(Ppm, Drift, testing::Values(200.0, -200.0),
                         [](const auto& param) { return param.param < 0 ? "slow" : "fast"; });

TEST(ManyVoices, TwentyAtFullScaleDoNotClip) {
  Options options;
  options.max_speakers = 20;
  Room room(options);
  for (ParticipantId id = 0; id < 20; ++id) {
    room.join(id + 1, {.tone = 300.0 + 137 * id, .amplitude = 1, .phase = 0.001 * id}, false);
  }
  room.join(21, {.amplitude = 0});
  room.run(5);
  // The first packets are forwarded: as loud as their sender made them.
  const auto sound = std::span(room.listener(21).sound()).subspan(9600);
  std::printf("peak of what is heard: %.3f\n", static_cast<double>(peak_of(sound)));
  EXPECT_LT(peak_of(sound), 1.0F);
  EXPECT_GT(peak_of(sound), 0.5F);
  // Limited, not distorted: all are heard, at like levels.
  const auto tail = sound.last(96'000);
  double low = 1e9;
  double high = -1e9;
  for (ParticipantId id = 0; id < 20; ++id) {
    const double level = decibel(amplitude_of(tail, 300.0 + 137 * id));
    low = std::min(low, level);
    high = std::max(high, level);
  }
  EXPECT_LT(high - low, 6);
  EXPECT_LT(decibel(amplitude_of(tail, 250)), low - 20) << "what nobody sent is heard";
}

TEST(ManyVoices, TheLoudestAreHeard) {
  Options options;
  options.max_speakers = 2;
  Room room(options);
  room.join(1, {.tone = 400, .amplitude = 0.05});
  room.join(2, {.tone = 800, .amplitude = 0.3, .phase = 0.002});
  room.join(3, {.tone = 1200, .amplitude = 0.3, .phase = 0.004});
  room.join(4, {.amplitude = 0});
  room.run(6);
  const auto tail = std::span(room.listener(4).sound()).last(96'000);
  EXPECT_LT(decibel(amplitude_of(tail, 400)), -60);
  EXPECT_NEAR(decibel(amplitude_of(tail, 800) / 0.3), 0, 1);
  EXPECT_NEAR(decibel(amplitude_of(tail, 1200) / 0.3), 0, 1);
  // Who is not among the loudest hears what all hear.
  EXPECT_EQ(room.listener(1).packets().back().payload.get(), room.listener(4).packets().back().payload.get());
}

// 10^(dB/20): by so much must another be louder.
TEST(ManyVoices, WhoIsHeardGivesWayToOneThatIs3DecibelsLouder) {
  for (const auto& [louder, expected] : {std::pair(1.26, false), std::pair(1.78, true)}) {  // 2 and 5 dB
    Options options;
    options.max_speakers = 2;
    Room room(options);
    room.join(1, {.tone = 400, .amplitude = 0.2});
    room.join(2, {.tone = 800, .amplitude = 0.2, .phase = 0.002});
    room.join(3, {.tone = 1200, .amplitude = 0.2 * louder, .talks = {{3, 9}}, .phase = 0.004});
    room.join(4, {.amplitude = 0});
    room.run(8);
    const auto tail = std::span(room.listener(4).sound()).last(96'000);
    const double level = decibel(amplitude_of(tail, 1200) / (0.2 * louder));
    if (expected) {
      EXPECT_NEAR(level, 0, 1) << louder;
    } else {
      EXPECT_LT(level, -40) << louder;
    }
  }
}

TEST(Jitter, LengthensTheQueueAndLosesNothing) {
  const auto run = [](milliseconds jitter) {
    Room room;
    room.join(1, {.tone = 440, .complexity = 0, .jitter = jitter}, false);
    room.join(2, {.tone = 1000, .complexity = 0, .phase = 0.007, .jitter = jitter}, false);
    room.join(3, {.amplitude = 0}, false);
    room.run(5);
    const std::uint64_t before = room.conference.stats().concealed;
    room.run(35);
    const auto queue = room.conference.queue(1, room.now());
    EXPECT_TRUE(queue);
    return std::pair(queue ? queue->wanted : base::Duration(), room.conference.stats().concealed - before);
  };
  const auto [even, none] = run(milliseconds(0));
  const auto [uneven, made_up] = run(milliseconds(60));
  EXPECT_EQ(none, 0U);
  // Delays between 0 and 60 ms: the latest come 30 ms after the mean.
  EXPECT_GT(uneven - even, milliseconds(20));
  EXPECT_LT(uneven - even, milliseconds(40));
  EXPECT_LT(made_up, 2 * 30 * 50 / 200U) << "of 3,000 frames";
}

TEST(LimiterGain, NothingPassesTheCeilingAndWhatIsBelowIsUntouched) {
  Limiter limiter;
  base::SeededRandom random(5);
  std::array<float, kFrameSamples> frame{};
  for (int round = 0; round < 500; ++round) {
    const float scale = round % 50 < 10 ? 20.0F : 0.7F;
    for (float& sample : frame) sample = scale * (static_cast<float>(random.below(2001)) / 1000 - 1);
    const auto before = frame;
    limiter.apply(frame);
    EXPECT_LE(peak_of(frame), Limiter::kCeiling);
    if (round > 0 && limiter.gain() == 1 && round % 50 == 49) EXPECT_EQ(frame, before);
  }
  EXPECT_EQ(limiter.gain(), 1);
}

TEST(ComingAndGoing, NobodyElseNotices) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 700, .phase = 0.006});
  room.join(3, {.amplitude = 0});
  room.run(3);
  room.join(4, {.tone = 1000, .phase = 3.01});
  room.run(6);
  room.leave(2);
  room.run(9);
  room.leave(4);
  room.run(14);
  const Listener& listener = room.listener(3);
  EXPECT_EQ(listener.backwards(), 0);
  EXPECT_FALSE(room.conference.mixing());
  EXPECT_EQ(room.conference.floor(), 1U);
  for (const auto& packet : listener.packets()) EXPECT_EQ(packet.gap, 0U);
  const std::span<const float> sound(listener.sound());
  for (std::size_t at = 48'000; at + 9600 < sound.size(); at += 9600) {
    EXPECT_NEAR(decibel(amplitude_near(sound.subspan(at, 9600), 440) / 0.25), 0, 1) << "at sample " << at;
    float step = 0;
    for (std::size_t i = at; i < at + 9600; ++i) step = std::max(step, std::abs(sound[i] - sound[i - 1]));
    // The three tones together make steps of 0.07.
    EXPECT_LT(step, 0.09) << "at sample " << at;
  }
}

TEST(ComingAndGoing, ATwoWayCallBecomesAConferenceAndACallAgain) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 700, .phase = 0.006});
  room.run(3);
  room.join(3, {.amplitude = 0});
  room.run(6);
  EXPECT_TRUE(room.conference.mixing());
  room.leave(3);
  room.run(12);
  EXPECT_FALSE(room.conference.mixing());
  for (const ParticipantId id : {1U, 2U}) {
    const Listener& listener = room.listener(id);
    EXPECT_EQ(listener.backwards(), 0);
    for (const auto& packet : listener.packets()) EXPECT_EQ(packet.gap, 0U) << "listener " << id;
    const std::span<const float> sound(listener.sound());
    for (std::size_t at = 48'000; at + 9600 < sound.size(); at += 9600) {
      EXPECT_NEAR(decibel(amplitude_near(sound.subspan(at, 9600), id == 1 ? 700 : 440) / 0.25), 0, 1)
          << "at sample " << at;
    }
  }
}

// When a burst of a tone, captured at a known time, is sent on to a listener.
double delay_of_burst(bool mixed) {
  Room room;
  room.join(1, {.tone = 1000, .amplitude = 0.5, .talks = {{0, 2}, {5, 5.5}}});
  room.join(2, {.tone = 300, .amplitude = mixed ? 0.1 : 1e-9, .phase = 0.005});
  room.join(3, {.amplitude = 0});
  room.run(6);
  const Listener& listener = room.listener(3);
  EXPECT_EQ(room.conference.stats().mixes_begun > 0, mixed);
  for (const Listener::Packet& packet : listener.packets()) {
    if (packet.at < kStart + std::chrono::milliseconds(4900)) continue;
    const auto sound = std::span(listener.sound())
                           .subspan(static_cast<std::size_t>(packet.begin), static_cast<std::size_t>(packet.samples));
    for (std::size_t i = 0; i < sound.size(); ++i) {
      if (std::abs(sound[i]) < 0.3F) continue;
      return std::chrono::duration<double>(packet.at - kStart).count() + static_cast<double>(i) / 48'000 - 5;
    }
  }
  ADD_FAILURE() << "the burst was not sent";
  return 0;
}

TEST(Delay, TheMixAddsLessThan60Milliseconds) {
  const double forwarded = delay_of_burst(false);
  const double mixed = delay_of_burst(true);
  RecordProperty("added_ms", std::to_string(1000 * (mixed - forwarded)));
  std::printf("forwarded after %.1f ms, mixed after %.1f ms\n", 1000 * forwarded, 1000 * mixed);
  EXPECT_GT(mixed, forwarded);
  EXPECT_LT(mixed - forwarded, 0.060);
}

}  // namespace
}  // namespace conference
