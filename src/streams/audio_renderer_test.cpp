// SPDX-License-Identifier: Apache-2.0
#include "streams/audio_renderer.hpp"

#include <gtest/gtest.h>
#include <opus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numbers>

#include "base/random.hpp"
#include "streams/audio_timeline.hpp"

namespace streams {
namespace {

using base::Bytes;
using base::WallTime;
using std::chrono::microseconds;

constexpr WallTime kEpoch{microseconds(1'795'000'000'000'000)};

// Sound as a function of seconds since kEpoch, sent as Opus packets of 20 ms whose clock may run fast.
struct Recording {
  std::vector<Bytes> payloads;
  std::vector<OpusPacket> packets;
};

using Sound = std::function<float(double)>;

Recording record(const Sound& sound, double seconds, std::uint32_t track = 2, double clock_ppm = 0,
                 int bit_rate = 64'000) {
  int error = 0;
  const std::unique_ptr<OpusEncoder, decltype(&opus_encoder_destroy)> encoder(
      opus_encoder_create(48'000, 2, OPUS_APPLICATION_VOIP, &error), &opus_encoder_destroy);
  opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(bit_rate));
  Recording recording;
  const auto count = static_cast<std::size_t>(seconds * 50);
  // A sender whose clock is fast by p says that more samples went by than did.
  const double step = 0.02 / (1 + clock_ppm * 1e-6);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<float> pcm(2 * 960);
    for (std::size_t k = 0; k < 960; ++k) {
      const double t = step * (static_cast<double>(i) + static_cast<double>(k) / 960);
      pcm[2 * k] = pcm[2 * k + 1] = sound(t);
    }
    Bytes payload(1500);
    const int size = opus_encode_float(encoder.get(), pcm.data(), 960, payload.data(), 1500);
    payload.resize(static_cast<std::size_t>(size));
    recording.payloads.push_back(std::move(payload));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto time = kEpoch + microseconds(std::llround(step * static_cast<double>(i) * 1e6));
    recording.packets.push_back({track, time, static_cast<std::int64_t>(960 * i), recording.payloads[i]});
  }
  return recording;
}

// Fragment boundaries as a camera makes them: about two seconds, on no grid.
std::vector<WallTime> make_boundaries(double seconds, std::uint64_t seed) {
  base::SeededRandom random(seed);
  std::vector<WallTime> boundaries{kEpoch};
  const WallTime end = kEpoch + microseconds(std::llround(seconds * 1e6));
  while (boundaries.back() + std::chrono::seconds(3) < end) {
    boundaries.push_back(boundaries.back() +
                         microseconds(1'200'000 + static_cast<std::int64_t>(random.below(1'100'000))));
  }
  boundaries.push_back(end);
  return boundaries;
}

// What a reader of fragment [from, to) has: the packets of this fragment, and those before it from the look-back on.
std::vector<OpusPacket> packets_for(const Recording& recording, WallTime from, WallTime to) {
  std::vector<OpusPacket> out;
  for (const OpusPacket& packet : recording.packets) {
    if (packet.time >= from && packet.time < to) out.push_back(packet);
  }
  return out;
}

struct Rendering {
  std::int64_t first_sample = 0;
  std::vector<Bytes> units;
  std::vector<std::size_t> joints;  // index of the first unit of each fragment but the first
};

Rendering render_fragments(const Recording& recording, const std::vector<WallTime>& boundaries,
                           const AudioLookBack& look_back = {}) {
  Rendering all;
  for (std::size_t i = 0; i + 1 < boundaries.size(); ++i) {
    const auto packets = packets_for(recording, audio_look_back(boundaries[i]), boundaries[i + 1]);
    const auto rendered = render_audio(packets, boundaries[i], boundaries[i + 1], look_back);
    EXPECT_TRUE(rendered);
    if (i == 0) {
      all.first_sample = rendered->first_sample;
    } else {
      all.joints.push_back(all.units.size());
    }
    EXPECT_EQ(rendered->first_sample,
              all.first_sample + static_cast<std::int64_t>(all.units.size()) * kAacFrameSamples);
    all.units.insert(all.units.end(), rendered->units.begin(), rendered->units.end());
  }
  return all;
}

// ffmpeg's decoder on ADTS: an independent reader. Sample 0 is `first_sample` of the timeline. Left channel.
std::vector<float> decode_aac(const std::vector<Bytes>& units) {
  char name[] = "/var/tmp/tidegate-aac-XXXXXX";
  const std::string directory = mkdtemp(name);
  {
    std::ofstream out(directory + "/a.aac", std::ios::binary);
    for (const Bytes& unit : units) {
      const std::size_t size = unit.size() + 7;
      const std::uint8_t header[7] = {0xFF,
                                      0xF1,
                                      0x4C,
                                      static_cast<std::uint8_t>(0x80 | (size >> 11)),
                                      static_cast<std::uint8_t>(size >> 3),
                                      static_cast<std::uint8_t>(((size & 7) << 5) | 0x1F),
                                      0xFC};
      out.write(reinterpret_cast<const char*>(header), 7);
      out.write(reinterpret_cast<const char*>(unit.data()), static_cast<std::streamsize>(unit.size()));
    }
  }
  const std::string command =
      "cd " + directory + " && ffmpeg -v error -xerror -i a.aac -map_channel 0.0.0 -f f32le a.raw 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ifstream in(directory + "/a.raw", std::ios::binary);
  const std::string raw{std::istreambuf_iterator<char>(in), {}};
  std::vector<float> samples(raw.size() / sizeof(float));
  std::memcpy(samples.data(), raw.data(), samples.size() * sizeof(float));
  std::system(("rm -rf " + directory).c_str());
  return samples;
}

bool has_ffmpeg() {
  return std::system("command -v ffmpeg >/dev/null 2>&1") == 0;
}

double rms(std::span<const float> samples) {
  double sum = 0;
  for (const float x : samples) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, samples.size())));
}

constexpr double kTone = 440.0;
float tone(double t) {
  return static_cast<float>(0.4 * std::sin(2 * std::numbers::pi * kTone * t));
}

// What is left when the best fitting tone of 440 Hz is taken out of a window: a click or a phase jump is left over.
double residual(std::span<const float> window) {
  double sine = 0, cosine = 0;
  const double w = 2 * std::numbers::pi * kTone / 48'000;
  for (std::size_t i = 0; i < window.size(); ++i) {
    sine += static_cast<double>(window[i]) * std::sin(w * static_cast<double>(i));
    cosine += static_cast<double>(window[i]) * std::cos(w * static_cast<double>(i));
  }
  const double scale = 2.0 / static_cast<double>(window.size());
  std::vector<float> rest(window.begin(), window.end());
  for (std::size_t i = 0; i < rest.size(); ++i) {
    rest[i] -= static_cast<float>(
        scale * (sine * std::sin(w * static_cast<double>(i)) + cosine * std::cos(w * static_cast<double>(i))));
  }
  return rms(rest);
}

// The largest residual in windows of 1200 samples (11 periods) around the joints, and elsewhere.
std::pair<double, double> residuals_at_joints(const Rendering& rendering, const std::vector<float>& samples) {
  double at_joints = 0, elsewhere = 0;
  const auto near_joint = [&](std::size_t middle) {
    return std::ranges::any_of(rendering.joints, [&](std::size_t joint) {
      return std::abs(static_cast<std::int64_t>(joint * 1024) - static_cast<std::int64_t>(middle)) < 2048;
    });
  };
  for (std::size_t start = 24'000; start + 30'000 < samples.size(); start += 300) {
    const double value = residual(std::span(samples).subspan(start, 1200));
    (near_joint(start + 600) ? at_joints : elsewhere) =
        std::max(near_joint(start + 600) ? at_joints : elsewhere, value);
  }
  return {at_joints, elsewhere};
}

TEST(AacGrid, UnitsPartitionTheTimeline) {
  base::SeededRandom random(11);
  WallTime at = kEpoch;
  AacUnits previous = find_aac_units(at - std::chrono::seconds(1), at);
  for (int i = 0; i < 2000; ++i) {
    const WallTime next = at + microseconds(static_cast<std::int64_t>(random.below(i % 3 ? 3'000'000 : 30'000)));
    const AacUnits units = find_aac_units(at, next);
    EXPECT_EQ(units.first, previous.first + previous.count);
    if (units.count > 0) {
      // The last sample that the last unit needs lies inside, that of the next one outside.
      const std::int64_t needed = (units.first + units.count - 1) * kAacFrameSamples + kAacReach - 1;
      EXPECT_LT(needed, to_timeline_sample(next));
      EXPECT_GE(needed + kAacFrameSamples, to_timeline_sample(next));
      // Audio ends less than 100 ms before video does.
      EXPECT_LT(to_timeline_sample(next) - (units.first + units.count) * kAacFrameSamples, 4'800);
    }
    previous = units;
    at = next;
  }
}

TEST(AudioTimeline, PositionsAreExactAndMonotonic) {
  EXPECT_EQ(to_packet_position(WallTime{}) + 312, 0);
  EXPECT_EQ(to_packet_position(WallTime(microseconds(20'000))) + 312, 960);
  EXPECT_EQ(to_packet_position(kEpoch) + 312, 1'795'000'000LL * 48'000);
  for (int us = 0; us < 1000; ++us) {
    const double exact = us * 0.048;
    EXPECT_LE(std::abs(static_cast<double>(to_packet_position(WallTime(microseconds(us))) + 312) - exact), 0.51);
  }
}

TEST(AudioRenderer, AToneInManyFragmentsHasNoJoints) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Recording recording = record(tone, 20);
  const auto rendering = render_fragments(recording, make_boundaries(20, 1));
  ASSERT_GT(rendering.joints.size(), 6u);
  const std::vector<float> samples = decode_aac(rendering.units);
  EXPECT_EQ(samples.size(), rendering.units.size() * 1024);
  const auto [at_joints, elsewhere] = residuals_at_joints(rendering, samples);
  std::printf("residual at joints %.5f, elsewhere %.5f\n", at_joints, elsewhere);
  EXPECT_LT(at_joints, 0.004);
  EXPECT_LT(at_joints, 1.5 * elsewhere + 0.001);
}

// The proof can fail: without looking back, every joint is heard.
TEST(AudioRenderer, WithoutLookBackTheJointsShow) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Recording recording = record(tone, 10);
  const auto boundaries = make_boundaries(10, 1);
  for (const AudioLookBack& broken :
       {AudioLookBack{.opus_samples = 11'520, .aac_units = 0}, AudioLookBack{.opus_samples = 0, .aac_units = 3},
        AudioLookBack{.opus_samples = 0, .aac_units = 0}}) {
    const auto rendering = render_fragments(recording, boundaries, broken);
    const auto [at_joints, elsewhere] = residuals_at_joints(rendering, decode_aac(rendering.units));
    std::printf("look-back %lld samples, %lld units: residual at joints %.5f, elsewhere %.5f\n",
                static_cast<long long>(broken.opus_samples), static_cast<long long>(broken.aac_units), at_joints,
                elsewhere);
    EXPECT_GT(at_joints, 0.004);
  }
}

float chirp(double t) {
  const double sweep = std::fmod(t, 4.0);
  return static_cast<float>(0.4 * std::sin(2 * std::numbers::pi * (300 * sweep + 350 * sweep * sweep)));
}

// The lag, in samples, at which `samples` is most like `sound`.
int find_lag(const std::vector<float>& samples, std::int64_t first_sample, const Sound& sound, std::size_t from) {
  const std::int64_t zero = to_timeline_sample(kEpoch);
  double best = -1;
  int best_lag = 0;
  for (int lag = -2400; lag <= 2400; lag += 2) {
    double sum = 0;
    for (std::size_t i = from; i < from + 48'000; i += 7) {
      const double t = static_cast<double>(first_sample + static_cast<std::int64_t>(i) - lag - zero) / 48'000;
      sum += static_cast<double>(samples[i]) * static_cast<double>(sound(t));
    }
    if (sum > best) {
      best = sum;
      best_lag = lag;
    }
  }
  return best_lag;
}

TEST(AudioRenderer, SoundStaysWhereItWasOnTheTimeline) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  for (const double ppm : {0.0, 200.0, -150.0}) {
    const Recording recording = record(chirp, 12, 2, ppm);
    const auto rendering = render_fragments(recording, make_boundaries(11.5, 3));
    const std::vector<float> samples = decode_aac(rendering.units);
    for (const std::size_t from : {60'000u, 240'000u, 440'000u}) {
      const int lag = find_lag(samples, rendering.first_sample, chirp, from);
      std::printf("clock %+.0f ppm: lag %d samples at %.1f s\n", ppm, lag, static_cast<double>(from) / 48'000);
      EXPECT_LE(std::abs(lag), 48);  // a millisecond; 25 ms are allowed
    }
  }
}

// Claps: every 97 ms noise that dies away. Attacks make the encoder change its block lengths, also across joints.
float claps(double t) {
  const double since = std::fmod(t, 0.097);
  const auto sample = static_cast<std::uint32_t>(std::llround(t * 48'000));
  std::uint32_t noise = sample * 2'654'435'761U;
  noise ^= noise >> 15;
  noise *= 2'246'822'519U;
  noise ^= noise >> 13;
  return static_cast<float>(0.6 * std::exp(-since * 60) * (static_cast<double>(noise) / 2'147'483'648.0 - 1));
}

// Around the joints, a recording in fragments is as far from what was played as the same recording in one piece.
TEST(AudioRenderer, AttacksAtJointsSurvive) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Recording recording = record(claps, 40, 2, 0, 128'000);
  const auto cut = render_fragments(recording, make_boundaries(40, 4));
  const std::vector<WallTime> whole{kEpoch, kEpoch + std::chrono::seconds(40)};
  const auto one_piece = decode_aac(render_fragments(recording, whole).units);
  const auto pieces = decode_aac(cut.units);
  ASSERT_EQ(pieces.size(), one_piece.size());
  const std::int64_t zero = cut.first_sample - to_timeline_sample(kEpoch);
  const auto error = [&](const std::vector<float>& heard, std::size_t from) {
    std::vector<float> rest(3072);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      rest[i] = heard[from + i] - claps(static_cast<double>(zero + static_cast<std::int64_t>(from + i)) / 48'000);
    }
    return rms(rest);
  };
  double in_pieces = 0, in_one = 0, worst = 0;
  for (const std::size_t joint : cut.joints) {
    const double a = error(pieces, joint * 1024 - 1024);
    const double b = error(one_piece, joint * 1024 - 1024);
    in_pieces += a * a;
    in_one += b * b;
    worst = std::max(worst, a / b);
  }
  const double ratio = std::sqrt(in_pieces / in_one);
  std::printf("error at %zu joints against one piece: %.3f times, at worst %.3f times\n", cut.joints.size(), ratio,
              worst);
  EXPECT_LT(ratio, 1.2);
  EXPECT_LT(worst, 1.6);
}

TEST(AudioRenderer, SameBytesWhereverReadingBegan) {
  const Recording recording = record(chirp, 10);
  const auto boundaries = make_boundaries(10, 5);
  for (std::size_t i = 2; i + 1 < boundaries.size(); ++i) {
    const auto minimal = render_audio(packets_for(recording, audio_look_back(boundaries[i]), boundaries[i + 1]),
                                      boundaries[i], boundaries[i + 1]);
    const auto from_previous =
        render_audio(packets_for(recording, boundaries[i - 1], boundaries[i + 1]), boundaries[i], boundaries[i + 1]);
    const auto from_start =
        render_audio(packets_for(recording, kEpoch, boundaries[i + 1]), boundaries[i], boundaries[i + 1]);
    ASSERT_TRUE(minimal && from_previous && from_start);
    EXPECT_EQ(minimal->units, from_previous->units);
    EXPECT_EQ(minimal->units, from_start->units);
  }
}

TEST(AudioRenderer, ParticipantsAreMixedAndNeverClip) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Sound loud = [](double t) { return static_cast<float>(0.9 * std::sin(2 * std::numbers::pi * 440 * t)); };
  Recording both = record(loud, 4, 2);
  const Recording second = record(loud, 4, 3);
  both.packets.insert(both.packets.end(), second.packets.begin(), second.packets.end());
  const std::vector<WallTime> boundaries{kEpoch, kEpoch + std::chrono::seconds(4)};
  const std::vector<float> samples = decode_aac(render_fragments(both, boundaries).units);
  const auto [low, high] = std::ranges::minmax(std::span(samples).subspan(48'000, 96'000));
  EXPECT_GT(high, 0.93F);
  EXPECT_LT(high, 1.15F);  // the codec's own overshoot
  EXPECT_GT(low, -1.15F);
}

TEST(AudioRenderer, NoPacketsAreCannedSilence) {
  const auto rendered = render_audio({}, kEpoch, kEpoch + std::chrono::seconds(2));
  ASSERT_TRUE(rendered);
  EXPECT_EQ(rendered->units.size(), 93u);
  for (const Bytes& unit : rendered->units) EXPECT_EQ(unit, rendered->units.front());
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  EXPECT_EQ(rms(decode_aac(rendered->units)), 0.0);
}

// A gap of one second is silent, a lost packet is concealed, garbage is silence.
TEST(AudioRenderer, GapsLossesAndGarbage) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  Recording recording = record(tone, 8);
  const Bytes garbage = {0xFF, 0xFF, 0xFF};
  std::vector<OpusPacket> kept;
  for (std::size_t i = 0; i < recording.packets.size(); ++i) {
    if (i >= 100 && i < 150) continue;  // 2.0 s to 3.0 s
    if (i == 220) continue;
    if (i >= 300 && i < 310) recording.packets[i].payload = garbage;
    kept.push_back(recording.packets[i]);
  }
  recording.packets = kept;
  const auto rendering = render_fragments(recording, make_boundaries(8, 9));
  const std::vector<float> samples = decode_aac(rendering.units);
  const auto level = [&](double from, double to) {
    const std::int64_t zero = to_timeline_sample(kEpoch) - rendering.first_sample;
    const auto at = static_cast<std::size_t>(zero + std::llround(from * 48'000));
    return rms(std::span(samples).subspan(at, static_cast<std::size_t>((to - from) * 48'000)));
  };
  EXPECT_NEAR(level(1.0, 1.9), 0.283, 0.02);
  EXPECT_LT(level(2.1, 2.95), 0.001);
  EXPECT_NEAR(level(3.2, 4.0), 0.283, 0.02);
  EXPECT_GT(level(4.402, 4.418), 0.1);  // the lost packet
  EXPECT_LT(level(6.05, 6.15), 0.01);
}

}  // namespace
}  // namespace streams
