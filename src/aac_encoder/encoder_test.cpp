// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/encoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <numbers>

#include "aac_encoder/decoded.hpp"
#include "base/random.hpp"

namespace aac_encoder {
namespace {

using base::Bytes;
using Sound = std::function<float(std::size_t sample, std::size_t channel)>;

std::vector<float> make_samples(const Sound& sound, std::size_t frames, std::size_t channel) {
  std::vector<float> out(frames * kLines);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = sound(i, channel);
  return out;
}

using Stereo = std::array<std::vector<float>, 2>;

Stereo make_stereo(const Sound& sound, std::size_t frames) {
  return {make_samples(sound, frames, 0), make_samples(sound, frames, 1)};
}

// The units that an encoder makes of frames `from` to `end` - 1; the first is that of frame `from` - 1.
std::vector<Bytes> encode(const Stereo& samples, std::size_t from, std::size_t end) {
  const auto encoder = *Encoder::open();
  std::vector<Bytes> units;
  for (std::size_t f = from; f < end; ++f) {
    const auto unit = encoder->encode(std::span(samples[0]).subspan(f * kLines).first<kLines>(),
                                      std::span(samples[1]).subspan(f * kLines).first<kLines>());
    EXPECT_EQ(unit.has_value(), f > from);
    if (unit) units.emplace_back(unit->begin(), unit->end());
  }
  return units;
}

std::vector<Bytes> encode(const Sound& sound, std::size_t frames) {
  return encode(make_stereo(sound, frames + 2), 0, frames + 2);
}

// Of what was decoded, in dB, both channels; the first frame lacks its overlap.
double measure_snr(const Sound& sound, const Decoded& decoded) {
  double signal = 0, noise = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t i = 2 * kLines; i < decoded.samples[c].size(); ++i) {
      const auto wanted = static_cast<double>(sound(i - kLines, c));
      signal += wanted * wanted;
      noise += std::pow(static_cast<double>(decoded.samples[c][i]) - wanted, 2);
    }
  }
  return 10 * std::log10((signal + 1e-12) / (noise + 1e-12));
}

float noise_at(std::size_t i) {
  auto x = static_cast<std::uint32_t>(i) * 2'654'435'761U;
  x ^= x >> 15;
  x *= 2'246'822'519U;
  x ^= x >> 13;
  x *= 3'266'489'917U;
  x ^= x >> 16;
  return static_cast<float>(static_cast<double>(x) / 2'147'483'648.0 - 1);
}
float tone(std::size_t i, std::size_t) {
  return static_cast<float>(0.4 * std::sin(2 * std::numbers::pi * 440 / 48'000 * static_cast<double>(i)));
}
float castanets(std::size_t i, std::size_t) {
  return 0.8F * static_cast<float>(std::exp(-static_cast<double>(i % 7'919) / 250)) * noise_at(i);
}
// Pulses of a voice through two resonances, in syllables; a chord on both sides.
float band_and_voice(std::size_t i, std::size_t channel) {
  const double t = static_cast<double>(i) / 48'000, period = std::fmod(t, 1 / 130.0);
  const double voice = std::exp(-period * 300) * (std::sin(2 * std::numbers::pi * 700 * period) +
                                                  0.5 * std::sin(2 * std::numbers::pi * 1'900 * period));
  const double syllable = std::max(0.0, std::sin(2 * std::numbers::pi * 3 * t));
  double chord = 0;
  for (const double hertz : {220.0, 277.2, 329.6, 554.4}) {
    chord += std::sin(2 * std::numbers::pi * hertz * t + static_cast<double>(channel) * hertz);
  }
  return static_cast<float>(0.3 * voice * syllable + 0.05 * chord);
}

// window_sequence stands behind element, tag, common_window and a reserved bit.
unsigned sequence_of(const Bytes& unit) {
  return (unit[1] >> 5) & 3;
}

// A frame off its place, a sign or a scale wrong give 0 dB or less. More than that is not asked for: noise is put where
// it is masked, not where it is least.
struct Case {
  const char* name;
  Sound sound;
  double least_snr;
};

TEST(AacEncoder, EveryUnitDecodesAndIsWhereItBelongs) {
  const std::vector<Case> cases = {
      {"tone", tone, 25},
      {"tone on one side", [](std::size_t i, std::size_t c) { return c == 0 ? tone(i, c) : 0.0F; }, 25},
      {"castanets", castanets, 5},
      {"voice and chord", band_and_voice, 10},
      {"noise at full scale", [](std::size_t i, std::size_t c) { return noise_at(i + 977 * c); }, 1},
      {"square at full scale", [](std::size_t i, std::size_t) { return i / 50 % 2 == 0 ? 1.0F : -1.0F; }, 15},
      {"a click", [](std::size_t i, std::size_t) { return i == 20'000 ? 1.0F : 0.0F; }, 1},
      {"constant", [](std::size_t, std::size_t) { return 0.5F; }, 25},
      {"one step of 24 bits", [](std::size_t i, std::size_t) { return i % 2 == 0 ? 1.2e-7F : 0.0F; }, -99},
      {"beyond full scale", [](std::size_t i, std::size_t) { return 30 * noise_at(i / 300); }, 10}};
  for (const Case& one : cases) {
    const auto units = encode(one.sound, 100);
    std::size_t bytes = 0;
    for (const Bytes& unit : units) {
      EXPECT_LE(unit.size(), kMaxUnitBytes) << one.name;
      bytes += unit.size();
    }
    const auto decoded = decode_units(units);
    ASSERT_TRUE(decoded) << one.name;
    const double snr = measure_snr(one.sound, *decoded);
    std::printf("%-22s %.1f dB, %.1f kbit/s\n", one.name, snr, static_cast<double>(bytes) * 8 / 101 * 46.875 / 1000);
    EXPECT_GT(snr, one.least_snr) << one.name;
  }
}

constexpr double kRate = 48'000;
float sine(std::size_t i, double hertz, double amplitude) {
  return static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / kRate));
}
// The loudness of a tone in 20 ms from `at` on, in dB of `amplitude`.
double measure_tone(std::span<const float> samples, std::size_t at, double hertz, double amplitude) {
  constexpr std::size_t kLength = 960;
  double real = 0, imaginary = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i);
    const double x = (0.5 - 0.5 * std::cos(turn / kLength)) * static_cast<double>(samples[at + i]);
    real += x * std::cos(turn * hertz / kRate);
    imaginary += x * std::sin(turn * hertz / kRate);
  }
  return 20 * std::log10(std::hypot(real, imaginary) / (kLength / 4.0) / amplitude + 1e-9);
}

// Bits are short in a unit in which something begins or ends without a fade. What goes on meanwhile is not given up for
// it.
TEST(AacEncoder, AToneGoesOnWhereAnotherBeginsOrEnds) {
  constexpr std::array kTones = {500.0, 1'250.0, 2'000.0, 3'150.0};
  constexpr double kSteady = 0.1, kMostLoss = 9;  // dB
  double worst = 0;
  const auto listen = [&](double steady, double other, double loudness, bool ends) {
    for (const std::size_t change : {48'000U, 48'300U, 48'700U}) {  // a frame is 1,024 samples
      const Sound sound = [=](std::size_t i, std::size_t) {
        const bool both = (i >= change) != ends;
        return sine(i, steady, kSteady) + (both ? sine(i, other, loudness) : 0);
      };
      const auto decoded = decode_units(encode(sound, 60));
      ASSERT_TRUE(decoded);
      for (std::size_t at = change - 4 * kLines; at < change + 4 * kLines; at += 240) {
        const double level = measure_tone(decoded->samples[0], at + kLines, steady, kSteady);
        EXPECT_GT(level, -kMostLoss) << steady << " Hz while " << other << " Hz at " << loudness
                                     << (ends ? " ends" : " begins") << ", at " << at << " of " << change;
        worst = std::min(worst, level);
      }
    }
  };
  for (const double steady : kTones) {
    for (const double other : kTones) {
      if (steady == other) continue;
      for (const double loudness : {0.1, 0.3, 0.9}) {
        listen(steady, other, loudness, false);
        listen(steady, other, loudness, true);
      }
    }
  }
  std::printf("softest %.1f dB\n", worst);
}

TEST(AacEncoder, SequencesFollowEachOtherAsTheStandardAllows) {
  constexpr bool kMayFollow[4][4] = {{true, true, false, false},   // only long: only long, start
                                     {false, false, true, false},  // start: short
                                     {false, false, true, true},   // short: short, stop
                                     {true, true, false, false}};  // stop: only long, start
  const Sound bursts = [](std::size_t i, std::size_t) { return i / 5'000 % 2 == 0 ? 0.0F : castanets(i % 5'000, 0); };
  for (const Sound& sound : {Sound(castanets), bursts, Sound(band_and_voice)}) {
    const auto units = encode(sound, 200);
    std::array<int, 4> count{};
    for (std::size_t i = 1; i < units.size(); ++i) {
      const unsigned before = sequence_of(units[i - 1]), now = sequence_of(units[i]);
      EXPECT_TRUE(kMayFollow[before][now]) << "unit " << i << ": " << before << " " << now;
      ++count[now];
    }
    std::printf("long %d, start %d, short %d, stop %d\n", count[0], count[1], count[2], count[3]);
  }
}

// Three frames before its own are all that a unit knows of the past.
TEST(AacEncoder, UnitsAreTheSameWhereverEncodingBegan) {
  const Sound mixed = [](std::size_t i, std::size_t c) {
    return i / 30'000 % 3 == 2 ? 0.0F : 0.5F * castanets(i, c) + 0.5F * band_and_voice(i, c);
  };
  constexpr std::size_t kFrames = 120;
  const Stereo samples = make_stereo(mixed, kFrames + 2);
  const auto whole = encode(samples, 0, kFrames + 2);  // the unit of frame u is whole[u + 1]
  // The last unit of an encoder that is given the unit's own frame, two after it and so many before.
  const auto encode_one = [&](std::size_t unit, std::size_t before) {
    return encode(samples, unit - before, unit + 3).back();
  };
  std::size_t different = 0;
  for (std::size_t unit = 3; unit < kFrames; ++unit) {
    EXPECT_EQ(encode_one(unit, 3), whole[unit + 1]) << "unit " << unit;
    different += encode_one(unit, 1) != whole[unit + 1] ? 1 : 0;
  }
  EXPECT_GT(different, 0u);  // the proof can fail
}

TEST(AacEncoder, SilenceIsOneShortUnit) {
  const auto units = encode([](std::size_t, std::size_t) { return 0.0F; }, 20);
  for (const Bytes& unit : units) EXPECT_EQ(unit, units.front());
  EXPECT_LE(units.front().size(), 8u);
  const auto decoded = decode_units(units);
  ASSERT_TRUE(decoded);
  for (const float x : decoded->samples[0]) EXPECT_EQ(x, 0.0F);
}

// The same samples on both sides cost one channel: not a bit is spent on the side.
TEST(AacEncoder, EqualChannelsAreEqualWhenDecoded) {
  const auto decoded = decode_units(encode([](std::size_t i, std::size_t) { return band_and_voice(i, 0); }, 60));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->samples[0], decoded->samples[1]);
}

}  // namespace
}  // namespace aac_encoder
