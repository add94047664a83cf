// SPDX-License-Identifier: Apache-2.0
// ./dev bench aac: the renderer's two AAC encoders on the same sound, by turns: CPU, bit rate, noise-to-mask.
// Arguments: WAV files of speech, 48 kHz.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <span>

#include "aac_encoder/decoded.hpp"
#include "base/check.hpp"
#include "materials.hpp"
#include "noise_to_mask.hpp"
#include "streams/aac/encoder.hpp"

namespace {

using streams::AacChoice;
constexpr std::size_t kFrame = streams::aac::kFrameSamples;

// CPU time of this thread in seconds: what other processes do to the machine does not count.
double cpu_now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Coded {
  std::vector<base::Bytes> units;  // one for each frame of the material
  double cpu = 0;                  // microseconds per second of sound
  double kilobits = 0;             // per second
};

Coded encode(AacChoice choice, const bench::Material& material) {
  const std::size_t frames = material.left.size() / kFrame;
  const auto pcm = std::make_unique<std::vector<streams::aac::Pcm>>(frames + 2);
  for (std::size_t f = 0; f < frames; ++f) {
    std::copy_n(&material.left[f * kFrame], kFrame, (*pcm)[f][0].begin());
    std::copy_n(&material.right[f * kFrame], kFrame, (*pcm)[f][1].begin());
  }
  Coded out;
  std::size_t bytes = 0;
  const double start = cpu_now();
  auto encoder = *streams::aac::open_encoder(choice);
  for (const auto& frame : *pcm) {
    auto unit = *encoder->encode(frame);
    if (!unit) continue;
    bytes += unit->size();
    out.units.push_back(*std::move(unit));
  }
  const double seconds = static_cast<double>(frames * kFrame) / 48'000;
  out.cpu = (cpu_now() - start) / seconds * 1e6;
  out.units.erase(out.units.begin());  // decodes to what was before the first frame
  out.kilobits = static_cast<double>(bytes) * 8 / seconds / 1000;
  return out;
}

// FFmpeg's decoder; any error ends the program.
bench::Material decode(const std::vector<base::Bytes>& units) {
  auto decoded = aac_encoder::decode_units(units);
  CHECK(decoded);
  return {"", std::move(decoded->samples[0]), std::move(decoded->samples[1])};
}

bench::Quality worse(const bench::Quality& a, const bench::Quality& b) {
  return {std::max(a.total_nmr, b.total_nmr), std::max(a.segmental_nmr, b.segmental_nmr),
          std::max(a.worst_nmr, b.worst_nmr), std::min(a.snr, b.snr)};
}

// Without the first two units, before which the encoder was given nothing.
bench::Quality measure_side(std::span<const float> original, std::span<const float> coded) {
  return bench::measure_quality(original.subspan(2 * kFrame), coded.subspan(2 * kFrame));
}

void measure(const bench::Material& material) {
  static constexpr int kTurns = 5;
  std::vector<Coded> own, ffmpeg;
  for (int i = 0; i < kTurns; ++i) {
    own.push_back(encode(AacChoice::Own, material));
    ffmpeg.push_back(encode(AacChoice::Ffmpeg, material));
  }
  double cpu[2] = {};
  for (auto* turns : {&own, &ffmpeg}) {
    std::ranges::sort(*turns, {}, &Coded::cpu);
    const Coded& coded = (*turns)[kTurns / 2];
    cpu[turns == &ffmpeg] = coded.cpu;
    const bench::Material heard = decode(coded.units);
    const bench::Quality quality =
        worse(measure_side(material.left, heard.left), measure_side(material.right, heard.right));
    fmt::print("{:<14} {:<7} {:>8.0f} {:>8.1f} {:>9.2f} {:>9.2f} {:>9.2f} {:>7.1f}", material.name,
               turns == &own ? "own" : "ffmpeg", coded.cpu, coded.kilobits, quality.total_nmr, quality.segmental_nmr,
               quality.worst_nmr, quality.snr);
    if (turns == &ffmpeg) fmt::print("   {:.1f} times", cpu[1] / cpu[0]);
    fmt::print("\n");
  }
}

}  // namespace

int main(int count, char** arguments) {
  static constexpr double kSeconds = 12;
  fmt::print("{:<14} {:<7} {:>8} {:>8} {:>9} {:>9} {:>9} {:>7}\n", "sound", "encoder", "us/s", "kbit/s", "NMR dB",
             "mean dB", "99 % dB", "SNR dB");
  const std::vector<bench::Material> music = bench::make_music(kSeconds);
  for (int i = 1; i < count; ++i) {
    const bench::Material speech = bench::read_wav(arguments[i]);
    measure(speech);
    measure(bench::mix(speech.name + "+music", speech, music[0]));
  }
  for (const bench::Material& material : music) measure(material);
  measure(bench::mix("tone+chords", music.back(), music[0]));
  bench::Material mono = music[0];
  mono.name = "chords, mono";
  mono.right = mono.left;
  measure(mono);
  return 0;
}
