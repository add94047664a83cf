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

#include "aac_encoder/decoded.hpp"
#include "base/random.hpp"
#include "streams/aac/encoder.hpp"
#include "streams/audio_timeline.hpp"
#include "streams/test_sound.hpp"

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
                           const AudioLookBack& look_back = {}, AacChoice choice = AacChoice::Own) {
  Rendering all;
  for (std::size_t i = 0; i + 1 < boundaries.size(); ++i) {
    const auto packets = packets_for(recording, audio_look_back(boundaries[i]), boundaries[i + 1]);
    const auto rendered = render_audio(packets, boundaries[i], boundaries[i + 1], look_back, choice);
    EXPECT_TRUE(rendered);
    if (i == 0) {
      all.first_sample = rendered->first_sample;
    } else {
      all.joints.push_back(all.units.size());
    }
    EXPECT_EQ(rendered->first_sample,
              all.first_sample + static_cast<std::int64_t>(all.units.size()) * kAacFrameSamples);
    for (Bytes& unit : copy_units(*rendered)) all.units.push_back(std::move(unit));
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

// Where a selection ends and another begins there is neither a hole nor a unit twice.
TEST(AacGrid, EdgesPartitionTheTimelineToo) {
  base::SeededRandom random(11);
  constexpr SoundEdges kBoth{.from_picture = true, .to_picture = true};
  base::WallTime start = base::from_microseconds(1'795'000'000'123'457);
  std::int64_t next = find_edged_units(start, start, kBoth).first;
  for (int i = 0; i < 200; ++i) {
    const base::WallTime end = start + microseconds(static_cast<std::int64_t>(random.below(3'000'000)) + 1);
    const AacUnits units = find_edged_units(start, end, kBoth);
    EXPECT_EQ(units.first, next);
    EXPECT_GE(units.first_sample(), to_timeline_sample(start));
    EXPECT_LT(units.first_sample(), to_timeline_sample(start) + kAacFrameSamples);
    EXPECT_GE(units.past() * kAacFrameSamples, to_timeline_sample(end));
    EXPECT_LT(units.past() * kAacFrameSamples, to_timeline_sample(end) + kAacFrameSamples);
    EXPECT_EQ(find_edged_units(start, end, {}), find_aac_units(start, end));
    next = units.past();
    start = end;
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

// The proof can fail: without looking back, joints are heard. Our own encoder has next to no past to look back to, so
// with it the Opus decoder's counts; FFmpeg's has.
TEST(AudioRenderer, WithoutLookBackTheJointsShow) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Recording recording = record(tone, 10);
  const auto boundaries = make_boundaries(10, 1);
  for (const auto& [broken, choice] :
       {std::pair{AudioLookBack{.opus_samples = 11'520, .aac_units = 0}, AacChoice::Ffmpeg},
        std::pair{AudioLookBack{.opus_samples = 0, .aac_units = 3}, AacChoice::Own},
        std::pair{AudioLookBack{.opus_samples = 0, .aac_units = 0}, AacChoice::Own}}) {
    const auto rendering = render_fragments(recording, boundaries, broken, choice);
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

// A voice: pulses through three resonances, in syllables with pauses.
float voice(double t) {
  const double since = std::fmod(t, 1 / (120 + 15 * std::sin(2 * std::numbers::pi * 0.7 * t)));
  double sum = 0;
  for (const double hertz : {650.0, 1'750.0, 2'600.0}) {
    sum += std::exp(-since * 250) * std::sin(2 * std::numbers::pi * hertz * since) * 400 / hertz;
  }
  const double syllable = std::max(0.0, std::sin(2 * std::numbers::pi * 2.7 * t));
  return static_cast<float>(0.5 * sum * syllable);
}

// Chords that are struck every 0.4 s and ring.
float music(double t) {
  const double since = std::fmod(t, 0.4);
  const double root = 220 * std::exp2(std::floor(std::fmod(t, 1.6) / 0.4) / 6);
  double sum = 0;
  for (const double step : {1.0, 1.26, 1.5, 2.0}) {
    for (int k = 1; k <= 5; ++k) sum += std::sin(2 * std::numbers::pi * root * step * k * t) / (k * k);
  }
  return static_cast<float>(0.1 * sum * std::exp(-since * 5));
}

float silence(double) {
  return 0;
}

// The recording decoded in one go and encoded in one go, on the same grid as `fragments`.
struct Continuous {
  TimelinePcm pcm;
  std::vector<Bytes> units;
};

Continuous encode_in_one_go(const Recording& recording, const Rendering& fragments, AacChoice choice) {
  const std::int64_t first = fragments.first_sample - 3 * kAacFrameSamples;
  const std::size_t frames = fragments.units.size() + 5;
  Continuous out{.pcm = TimelinePcm(first, frames * 1024), .units = {}};
  decode_onto_timeline(recording.packets, first - 48'000, out.pcm);
  const auto encoder = *aac::open_encoder(choice);
  for (std::size_t f = 0; f < frames; ++f) {
    aac::Pcm frame;
    std::copy_n(out.pcm.left.begin() + static_cast<std::ptrdiff_t>(f * 1024), 1024, frame[0].begin());
    std::copy_n(out.pcm.right.begin() + static_cast<std::ptrdiff_t>(f * 1024), 1024, frame[1].begin());
    if (auto unit = *encoder->encode(frame); f >= 5) out.units.push_back(*std::move(unit));
  }
  return out;
}

// Of 50 ms around `middle`, in dB; 200 without any noise. `lag`: samples that `heard` comes late.
double snr_around(std::span<const float> played, std::span<const float> heard, std::size_t middle, std::int64_t lag) {
  double signal = 0, noise = 0;
  for (std::size_t i = middle - 1200; i < middle + 1200; ++i) {
    const auto want = static_cast<double>(played[i]);
    const auto have = static_cast<double>(heard[static_cast<std::size_t>(static_cast<std::int64_t>(i) + lag)]);
    signal += want * want;
    noise += (have - want) * (have - want);
  }
  return noise == 0 ? 200 : 10 * std::log10((signal + 1e-12) / noise);
}

// The shift at which `heard` is nearest to what was played.
std::int64_t search_lag(std::span<const float> played, std::span<const float> heard) {
  std::int64_t best = 0;
  for (std::int64_t lag = -1100; lag <= 1100; ++lag) {
    const std::size_t middle = played.size() / 2;
    if (snr_around(played, heard, middle, lag) > snr_around(played, heard, middle, best)) best = lag;
  }
  return best;
}

// The smallest of the joints' SNR less that of the recording in one go, at the same place.
double worst_joint(const Sound& sound, AacChoice choice, const AudioLookBack& look_back) {
  const Recording recording = record(sound, 20, 2, 0, 96'000);
  const auto boundaries = make_boundaries(20, 6);
  const Rendering pieces = render_fragments(recording, boundaries, look_back, choice);
  const Continuous whole = encode_in_one_go(recording, pieces, choice);
  const auto in_pieces = aac_encoder::decode_units(pieces.units), in_one = aac_encoder::decode_units(whole.units);
  EXPECT_TRUE(in_pieces && in_one);
  const std::span played = std::span(whole.pcm.left).subspan(3 * 1024, pieces.units.size() * 1024);
  const std::int64_t lag = search_lag(played, in_pieces->samples[0]);
  EXPECT_EQ(lag, search_lag(played, in_one->samples[0]));
  EXPECT_EQ(lag, 0);
  double worst = 0;
  for (const std::size_t joint : pieces.joints) {
    worst = std::min(worst, snr_around(played, in_pieces->samples[0], joint * 1024, lag) -
                                snr_around(played, in_one->samples[0], joint * 1024, lag));
  }
  return worst;
}

TEST(AudioRenderer, JointsAreAsGoodAsOneContinuousEncoding) {
  using Named = std::pair<const char*, float (*)(double)>;
  for (const auto& [name, sound] : {Named{"voice", voice}, Named{"music", music}, Named{"silence", silence}}) {
    const double worst = worst_joint(sound, AacChoice::Own, {});
    const double broken = worst_joint(sound, AacChoice::Own, {.opus_samples = 0, .aac_units = 0});
    std::printf("%s: SNR around joints %+.2f dB at worst; %+.2f without look-back\n", name, worst, broken);
    EXPECT_GT(worst, -1.0) << name;
    if (sound != silence) EXPECT_LT(broken, -1.0) << name;  // the proof can fail
  }
}

TEST(AudioRenderer, SameBytesWhereverReadingBegan) {
  for (const Sound& sound : {Sound(chirp), Sound(voice), Sound(music), Sound(claps)}) {
    for (const AacChoice choice : {AacChoice::Own, AacChoice::Ffmpeg}) {
      const Recording recording = record(sound, 10);
      const auto boundaries = make_boundaries(10, 5);
      for (std::size_t i = 2; i + 1 < boundaries.size(); ++i) {
        const auto render_from = [&](WallTime from) {
          return render_audio(packets_for(recording, from, boundaries[i + 1]), boundaries[i], boundaries[i + 1], {},
                              choice);
        };
        const auto minimal = render_from(audio_look_back(boundaries[i]));
        const auto from_previous = render_from(boundaries[i - 1]), from_start = render_from(kEpoch);
        ASSERT_TRUE(minimal && from_previous && from_start);
        EXPECT_EQ(copy_units(*minimal), copy_units(*from_previous));
        EXPECT_EQ(copy_units(*minimal), copy_units(*from_start));
      }
    }
  }
}

// With the own encoder a unit is a function of the samples around it, whatever fragment it lies in: units do not change
// when the same samples are cut elsewhere. (The samples at a joint differ a little: each fragment has its own decoder.)
TEST(AudioRenderer, UnitsInsideAFragmentAreThoseOfOneContinuousEncoding) {
  const Recording recording = record(music, 12, 2, 0, 96'000);
  const std::vector<WallTime> whole{kEpoch, kEpoch + std::chrono::seconds(12)};
  const Rendering one = render_fragments(recording, whole);
  const Continuous continuous = encode_in_one_go(recording, one, AacChoice::Own);
  // From the first packet's sound on, which the rendering looked back for in vain.
  EXPECT_EQ(one.units, continuous.units);
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
  const std::vector<Bytes> units = copy_units(*rendered);
  EXPECT_EQ(units.size(), 93u);
  for (const Bytes& unit : units) EXPECT_EQ(unit, units.front());
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  EXPECT_EQ(rms(decode_aac(units)), 0.0);
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
