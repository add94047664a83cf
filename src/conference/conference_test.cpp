// SPDX-License-Identifier: Apache-2.0
#include "conference/conference.hpp"

#include <gtest/gtest.h>

#include <set>

#include "conference/conference_simulation.hpp"

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

const SpeakerOptions kSilentListener{.amplitude = 0};

std::span<const float> sound_of(const Listener& listener, double from, double to) {
  const std::span<const float> sound(listener.sound());
  const auto begin = static_cast<std::size_t>(from * 48'000);
  const auto end = static_cast<std::size_t>(to * 48'000);
  EXPECT_LE(end, sound.size()) << "the listener was sent too little";
  return end <= sound.size() ? sound.subspan(begin, end - begin) : std::span<const float>();
}

double max_step(std::span<const float> sound) {
  float step = 0;
  for (std::size_t i = 1; i < sound.size(); ++i) step = std::max(step, std::abs(sound[i] - sound[i - 1]));
  return static_cast<double>(step);
}

// Amplitudes in decibels against `expected`, of pieces of 0.2 s: the lowest and the highest. Pieces are short, as a
// queue that changes its length shifts the tone by up to 0.5 %.
std::pair<double, double> heard_levels(const Listener& listener, double from, double to, double tone, double expected) {
  std::pair<double, double> levels(1e9, -1e9);
  for (double at = from; at + 0.2 <= to; at += 0.2) {
    const double level = decibel(amplitude_near(sound_of(listener, at, at + 0.2), tone) / expected);
    levels = {std::min(levels.first, level), std::max(levels.second, level)};
  }
  return levels;
}

// Mean square of what four differences leave: nothing of tones below 1 kHz, all of a click.
double roughness(std::span<const float> sound) {
  double sum = 0;
  for (std::size_t i = 4; i < sound.size(); ++i) {
    const double d =
        static_cast<double>(sound[i] - 4 * sound[i - 1] + 6 * sound[i - 2] - 4 * sound[i - 3] + sound[i - 4]);
    sum += d * d;
  }
  return sum / static_cast<double>(sound.size());
}

// How far `sound` from sample `from` on, for 10 ms, is from what 50 ms from sample `fit` on make one expect of `tone`:
// decibels against the tone.
double tear(std::span<const float> sound, double tone, std::size_t fit, std::size_t from) {
  double cc = 0, ss = 0, cs = 0, xc = 0, xs = 0;
  const auto angle = [&](std::size_t i) { return 2 * std::numbers::pi * tone * static_cast<double>(i) / 48'000; };
  for (std::size_t i = fit; i < fit + 2400; ++i) {
    const double c = std::cos(angle(i));
    const double s = std::sin(angle(i));
    const auto x = static_cast<double>(sound[i]);
    cc += c * c, ss += s * s, cs += c * s, xc += x * c, xs += x * s;
  }
  const double determinant = cc * ss - cs * cs;
  const double a = (xc * ss - xs * cs) / determinant;
  const double b = (xs * cc - xc * cs) / determinant;
  double error = 0;
  for (std::size_t i = from; i < from + 480; ++i) {
    const double e = static_cast<double>(sound[i]) - a * std::cos(angle(i)) - b * std::sin(angle(i));
    error += e * e;
  }
  return 10 * std::log10(error / (480 * (a * a + b * b) / 2));
}

// Timelines never go back, every packet decodes, and packets that follow each other leave no time between them.
void expect_continuous(const Listener& listener) {
  EXPECT_EQ(listener.backwards(), 0);
  EXPECT_EQ(listener.refused(), 0);
  for (const Listener::Packet& packet : listener.packets()) {
    EXPECT_EQ(packet.gap, 0U) << "at " << std::chrono::duration<double>(packet.at - kStart).count() << " s";
  }
}

// The first packets of each way of hearing, in sound(): what a speaker sent is what was forwarded.
std::vector<std::size_t> switches(const Listener& listener, const std::set<SharedPayload>& forwarded) {
  std::vector<std::size_t> found;
  bool before = true;
  for (const Listener::Packet& packet : listener.packets()) {
    const bool now = forwarded.contains(packet.payload);
    if (now != before) found.push_back(static_cast<std::size_t>(packet.begin));
    before = now;
  }
  return found;
}

TEST(Forwarding, OneSpeakerIsHeardByAllAsHeSent) {
  Room room;
  room.join(1, {.talks = {{0, 10}}});
  for (ParticipantId id = 2; id < 6; ++id) room.join(id, kSilentListener);
  room.run(10);
  for (ParticipantId id = 2; id < 6; ++id) {
    const Listener& listener = room.listener(id);
    expect_continuous(listener);
    ASSERT_EQ(listener.packets().size(), 500U);
    EXPECT_EQ(listener.packets()[0].timestamp, 0xffff'f000U + id);
    EXPECT_TRUE(listener.packets()[0].marker);
    EXPECT_FALSE(listener.packets()[1].marker);
    // One payload for all, sent in the instant in which it came.
    EXPECT_EQ(listener.packets()[7].payload.get(), room.listener(2).packets()[7].payload.get());
    EXPECT_EQ(listener.packets()[7].at, kStart + milliseconds(160));
  }
  EXPECT_TRUE(room.listener(1).packets().empty());
  EXPECT_EQ(room.timeouts, 0);
  EXPECT_EQ(room.conference.next_timeout(), base::kNever);
  EXPECT_EQ(room.conference.stats().decoded + room.conference.stats().encoded, 0U);
}

TEST(Forwarding, TwoParticipantsNeverNeedAMix) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 700, .phase = 0.005});
  room.run(10);
  EXPECT_EQ(room.conference.stats().mixes_begun, 0U);
  EXPECT_NEAR(decibel(amplitude_of(sound_of(room.listener(1), 1, 9), 700) / 0.25), 0, 0.5);
  EXPECT_NEAR(decibel(amplitude_of(sound_of(room.listener(2), 1, 9), 440) / 0.25), 0, 0.5);
  expect_continuous(room.listener(1));
  expect_continuous(room.listener(2));
}

TEST(Forwarding, OvertakenPacketsAreSentInOrderAndLostOnesLeaveAGapInTime) {
  Room room;
  room.join(1, {.jitter = milliseconds(35), .loss_permille = 50});
  room.join(2, kSilentListener);
  room.join(3, kSilentListener);
  room.run(20);
  room.speakers.clear();
  room.run(21);
  const Listener& listener = room.listener(2);
  EXPECT_EQ(listener.backwards(), 0);
  std::size_t gaps = 0;
  for (const Listener::Packet& packet : listener.packets()) gaps += packet.gap / 960;
  EXPECT_GT(gaps, 20U);
  EXPECT_EQ(listener.packets().size(), room.conference.stats().packets) << "a packet was dropped that only came late";
  EXPECT_EQ(room.conference.stats().late, 0U);
}

TEST(Forwarding, AnIdleConferenceCostsNothing) {
  Room room;
  // Digital silence with discontinuous transmission after two seconds of talk.
  room.join(
      1, {.talks = {{0, 2}}, .application = OPUS_APPLICATION_VOIP, .bitrate = 24'000, .dtx = true, .syllables = true});
  room.join(
      2, {.talks = {{0, 2}}, .application = OPUS_APPLICATION_VOIP, .bitrate = 24'000, .dtx = true, .syllables = true});
  room.join(3, kSilentListener);
  room.run(6);
  EXPECT_EQ(room.conference.stats().mixes_begun, 1U);
  EXPECT_FALSE(room.conference.mixing());
  EXPECT_EQ(room.conference.next_timeout(), base::kNever);
  const int before = room.timeouts;
  const Stats stats = room.conference.stats();
  room.run(60);
  EXPECT_EQ(room.timeouts, before);
  EXPECT_EQ(room.conference.stats().decoded, stats.decoded);
  EXPECT_EQ(room.conference.stats().encoded, stats.encoded);
}

TEST(Forwarding, AfterAPauseTheTimelineHasGoneOnWithTheClock) {
  Room room;
  const SpeakerOptions speech{.application = OPUS_APPLICATION_VOIP, .bitrate = 24'000, .dtx = true, .syllables = true};
  SpeakerOptions first = speech;
  first.talks = {{0, 2}};
  SpeakerOptions second = speech;
  second.talks = {{10, 12}};
  room.join(1, first);
  room.join(2, second);
  room.join(3, kSilentListener);
  room.run(13);
  EXPECT_EQ(room.conference.stats().mixes_begun, 0U) << "who follows upon silence needs no bridge";
  const auto& packets = room.listener(3).packets();
  const Listener::Packet& last = packets.back();
  const auto elapsed = std::chrono::duration<double>(last.at - packets.front().at).count();
  EXPECT_NEAR(static_cast<double>(last.timestamp - packets.front().timestamp) / 48'000, elapsed, 0.025);
  const auto resumed =
      std::find_if(packets.begin(), packets.end(), [](const auto& p) { return p.at > kStart + milliseconds(9900); });
  ASSERT_NE(resumed, packets.end());
  EXPECT_TRUE(resumed->marker);
}

TEST(Mixing, EachHearsEveryOtherAndNotHimself) {
  Room room;
  const std::vector<double> tones = {440, 700, 1000, 1400};
  for (ParticipantId id = 0; id < 4; ++id)
    room.join(id + 1, {.tone = tones[id], .amplitude = 0.2, .phase = 0.003 * id});
  room.join(5, kSilentListener);
  room.run(10);
  for (const auto& [id, listener] : room.listeners) {
    for (ParticipantId of = 1; of <= 4; ++of) {
      const auto [low, high] = heard_levels(*listener, 1, 9, tones[of - 1], 0.2);
      if (of == id) {
        EXPECT_LT(high, -40) << "listener " << id << " hears himself";
      } else {
        EXPECT_GT(low, -1) << "listener " << id << " of speaker " << of;
        EXPECT_LT(high, 1) << "listener " << id << " of speaker " << of;
      }
    }
    EXPECT_EQ(listener->backwards(), 0);
  }
  // Four who speak, and one encoding for the rest.
  const Stats stats = room.conference.stats();
  EXPECT_NEAR(static_cast<double>(stats.encoded), 5 * 50 * 9.9, 50);
  EXPECT_EQ(stats.concealed, 0U);
  EXPECT_EQ(stats.skipped, 0U);
}

TEST(Mixing, ListenersWhoDoNotSpeakShareOneEncoding) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 700});
  for (ParticipantId id = 3; id < 13; ++id) room.join(id, kSilentListener);
  room.run(5);
  EXPECT_NEAR(static_cast<double>(room.conference.stats().encoded), 3 * 50 * 5, 20);
  const auto& packets = room.listener(3).packets();
  for (ParticipantId id = 4; id < 13; ++id) {
    EXPECT_EQ(room.listener(id).packets().back().payload.get(), packets.back().payload.get());
  }
}

// From then on he hears a mix of his own, without himself.
TEST(Mixing, WhoBeginsToSpeakHearsNoBreakInTheOthers) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 700, .amplitude = 0.05, .phase = 0.007});
  room.join(3, {.tone = 900, .amplitude = 0.1, .talks = {{4, 8}}, .phase = 0.003});
  room.join(4, kSilentListener);
  room.run(6);
  expect_continuous(room.listener(3));
  std::set<SharedPayload> shared;
  for (const Listener::Packet& packet : room.listener(4).packets()) shared.insert(packet.payload);
  std::vector<std::size_t> begins = switches(room.listener(3), shared);
  std::erase_if(begins, [](std::size_t at) { return at < 48'000 * 3; });
  ASSERT_EQ(begins.size(), 1U);
  const auto around = std::span(room.listener(3).sound()).subspan(begins[0] - 480, 960);
  EXPECT_NEAR(decibel(amplitude_near(around, 440) / 0.25), 0, 1.5);
  EXPECT_LT(tear(room.listener(3).sound(), 440, begins[0] - 2640, begins[0]), -12)
      << "beside the soft voice, at -14 dB";
}

struct SwitchCase {
  const char* name;
  SpeakerOptions speaker;
  // Decibels. Between SILK and CELT the decoder itself bridges with 2.5 ms of concealment, and SILK begins without its
  // predictions (RFC 6716 4.5): heard as a ripple, not as a click.
  double most_torn = -22;
};

class Switch : public testing::TestWithParam<SwitchCase> {};

// The first speaker goes on all the time, a second one says something softly: what the listener hears of the first may
// not show where the switches were.
TEST_P(Switch, HasNoClickAndNoGap) {
  Room room;
  room.remembers_sent = true;
  SpeakerOptions second{.tone = 300, .amplitude = 0.02, .talks = {{3, 3.5}}, .phase = 0.007};
  room.join(1, GetParam().speaker);
  room.join(2, second);
  room.join(3, kSilentListener);
  room.join(4, kSilentListener);
  room.run(10);
  const Stats stats = room.conference.stats();
  ASSERT_EQ(stats.mixes_ended, stats.mixes_begun);
  ASSERT_GE(stats.mixes_begun, 1U);
  const Listener& listener = room.listener(3);
  expect_continuous(listener);
  const auto steady_step = max_step(sound_of(listener, 1, 2));
  std::size_t seen = 0;
  for (const std::size_t at : switches(listener, room.sent_payloads)) {
    if (at < 48'000 * 2) continue;
    ++seen;
    const auto around = std::span(listener.sound()).subspan(at - 1200, 2400);
    EXPECT_LT(max_step(around), 1.25 * steady_step + 0.002) << "switch at sample " << at;
    EXPECT_LT(std::sqrt(roughness(around)), 0.05 * 0.25) << "switch at sample " << at;
    EXPECT_NEAR(decibel(amplitude_of(around, GetParam().speaker.tone) / 0.25), 0, 1.5) << "switch at sample " << at;
    // Just before the way back the tone is shifted by up to 0.5 %, for the alignment.
    const double torn = tear(listener.sound(), GetParam().speaker.tone, seen == 1 ? at - 2640 : at + 240, at - 240);
    EXPECT_LT(torn, GetParam().most_torn) << "switch at sample " << at;
  }
  EXPECT_EQ(seen, 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Codings, Switch,
    testing::Values(
        SwitchCase{"celt", {}}, SwitchCase{"celt_10_ms", {.frame = 480}}, SwitchCase{"celt_stereo", {.channels = 2}},
        SwitchCase{"celt_with_pitch_filter", {.application = OPUS_APPLICATION_AUDIO, .bitrate = 64'000}},
        SwitchCase{"voip_24k", {.application = OPUS_APPLICATION_VOIP, .bitrate = 24'000}, -9},
        SwitchCase{"voip_12k", {.application = OPUS_APPLICATION_VOIP, .bitrate = 12'000}, -9},
        SwitchCase{"voip_40_ms", {.application = OPUS_APPLICATION_VOIP, .bitrate = 24'000, .frame = 1920}, -9},
        SwitchCase{"voip_60_ms", {.application = OPUS_APPLICATION_VOIP, .bitrate = 24'000, .frame = 2880}, -9},
        SwitchCase{"code_3_120_ms", {.application = OPUS_APPLICATION_AUDIO, .bitrate = 48'000, .frame = 5760}}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace conference
