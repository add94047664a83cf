// SPDX-License-Identifier: Apache-2.0
#include "materials.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>

namespace bench {
namespace {

constexpr double kRate = 48'000;

// White noise in -1..1 from a linear congruence.
class Noise {
 public:
  explicit Noise(std::uint32_t seed) : state_(seed) {}
  float next() {
    state_ = state_ * 1'664'525U + 1'013'904'223U;
    return static_cast<float>(static_cast<double>(state_ >> 8) / 8'388'608.0 - 1);
  }
  double between(double low, double high) { return low + (high - low) * (static_cast<double>(next()) + 1) / 2; }

 private:
  std::uint32_t state_;
};

Material make_empty(const std::string& name, double seconds) {
  const auto size = static_cast<std::size_t>(seconds * kRate);
  return {name, std::vector<float>(size), std::vector<float>(size)};
}

void add(Material& to, std::size_t at, float sample, float pan) {
  if (at >= to.left.size()) return;
  to.left[at] += sample * (1 - pan);
  to.right[at] += sample * pan;
}

struct Note {
  double start = 0;  // seconds
  double hertz = 0;
  float level = 0;
  float pan = 0.5F;
};
// Karplus and Strong: noise that runs around a delay line and loses its high tones.
void pluck(Material& to, const Note& note, Noise& noise) {
  std::vector<float> line(static_cast<std::size_t>(kRate / note.hertz));
  for (float& x : line) x = noise.next();
  const auto first = static_cast<std::size_t>(note.start * kRate);
  for (std::size_t i = 0; i < static_cast<std::size_t>(2.5 * kRate); ++i) {
    float& x = line[i % line.size()];
    add(to, first + i, note.level * x, note.pan);
    x = 0.498F * (x + line[(i + 1) % line.size()]);
  }
}

struct Stroke {
  double start = 0;  // seconds
  double decay = 0;  // seconds
  double ring = 0;   // hertz that colour it
  float level = 0;
  float pan = 0.5F;
};
// Noise that dies away.
void strike(Material& to, const Stroke& stroke, Noise& noise) {
  const auto& [start, decay, ring, level, pan] = stroke;
  const auto first = static_cast<std::size_t>(start * kRate);
  for (std::size_t i = 0; i < static_cast<std::size_t>(8 * decay * kRate); ++i) {
    const double t = static_cast<double>(i) / kRate;
    const double tone = ring > 0 ? std::sin(2 * std::numbers::pi * ring * t) : 0;
    const double body =
        ring > 0 ? 0.4 * static_cast<double>(noise.next()) + 0.6 * tone : static_cast<double>(noise.next());
    add(to, first + i, level * static_cast<float>(std::exp(-t / decay) * body), pan);
  }
}

Material make_chords(double seconds) {
  Material out = make_empty("chords", seconds);
  Noise noise(1);
  const double roots[] = {110, 146.8, 130.8, 98};
  int bar = 0;
  double at = 0.1;
  while (at < seconds) {
    const double root = roots[bar % 4];
    const double chord[] = {root, root * 1.5, root * 2, root * 2.52, root * 3};
    for (int i = 0; i < 5; ++i) {
      pluck(out, {at + 0.02 * i, chord[i], 0.14F, 0.2F + 0.15F * static_cast<float>(i)}, noise);
    }
    at += 0.75;
    ++bar;
  }
  return out;
}

Material make_drums(double seconds) {
  Material out = make_empty("drums", seconds);
  Noise noise(2);
  int beat = 0;
  double at = 0.1;
  while (at < seconds) {
    if (beat % 4 == 0) strike(out, {at, 0.08, 60, 0.8F, 0.5F}, noise);
    if (beat % 4 == 2) strike(out, {at, 0.05, 190, 0.6F, 0.45F}, noise);
    strike(out, {at, 0.012, 0, 0.12F, 0.7F}, noise);
    if (beat % 2 == 0) pluck(out, {at, 55.0 * (1 + beat / 8 % 3 * 0.25), 0.25F, 0.5F}, noise);
    at += 0.25;
    ++beat;
  }
  return out;
}

Material make_castanets(double seconds) {
  Material out = make_empty("castanets", seconds);
  Noise noise(3);
  double at = 0.1;
  while (at < seconds) {
    strike(out, {at, 0.006, 2'400, 0.9F, static_cast<float>(noise.between(0.4, 0.6))}, noise);
    at += noise.between(0.09, 0.3);
  }
  return out;
}

Material make_applause(double seconds) {
  Material out = make_empty("applause", seconds);
  Noise noise(4);
  double at = 0;
  while (at < seconds) {
    strike(out, {at, 0.004, 0, static_cast<float>(noise.between(0.05, 0.3)), static_cast<float>(noise.between(0, 1))},
           noise);
    at += noise.between(0.001, 0.012);
  }
  return out;
}

Material make_organ(double seconds) {
  Material out = make_empty("organ", seconds);
  for (std::size_t i = 0; i < out.left.size(); ++i) {
    const double t = static_cast<double>(i) / kRate;
    double sum = 0;
    for (const double root : {220.0, 277.2, 329.6}) {
      for (int k = 1; k <= 12; ++k) sum += std::sin(2 * std::numbers::pi * root * k * t + k) / (k * std::sqrt(k));
    }
    out.left[i] = static_cast<float>(0.12 * sum);
    out.right[i] = static_cast<float>(0.12 * sum * (0.8 + 0.2 * std::sin(2 * t)));
  }
  return out;
}

Material make_tone(double seconds) {
  Material out = make_empty("tone", seconds);
  for (std::size_t i = 0; i < out.left.size(); ++i) {
    out.left[i] = out.right[i] =
        static_cast<float>(0.4 * std::sin(2 * std::numbers::pi * 440 / kRate * static_cast<double>(i)));
  }
  return out;
}

std::uint32_t little_endian(const char* from, int bytes) {
  std::uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(from[i]);
  return value;
}

[[noreturn]] void refuse(const std::string& path) {
  std::fprintf(stderr, "%s: not a WAV file of 16 bits, 48 kHz, one or two channels\n", path.c_str());
  std::exit(2);
}

}  // namespace

std::vector<Material> make_music(double seconds) {
  return {make_chords(seconds),   make_drums(seconds), make_castanets(seconds),
          make_applause(seconds), make_organ(seconds), make_tone(seconds)};
}

Material read_wav(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  const std::size_t data = file.find("data");
  if (data == std::string::npos || data < 36 || little_endian(&file[24], 4) != 48'000 ||
      little_endian(&file[34], 2) != 16) {
    refuse(path);
  }
  const std::uint32_t channels = little_endian(&file[22], 2);
  if (channels < 1 || channels > 2) refuse(path);
  const std::size_t slash = path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1;
  Material out{path.substr(slash, path.rfind('.') - slash), {}, {}};
  for (std::size_t at = data + 8; at + 2 * channels <= file.size(); at += 2 * channels) {
    const auto sample = [&](std::size_t c) {
      return static_cast<float>(static_cast<std::int16_t>(little_endian(&file[at + 2 * c], 2))) / 32'768;
    };
    out.left.push_back(sample(0));
    out.right.push_back(sample(channels - 1));
  }
  return out;
}

Material mix(const std::string& name, const Material& voice, const Material& music) {
  Material out{name, voice.left, voice.right};
  for (std::size_t i = 0; i < std::min(out.left.size(), music.left.size()); ++i) {
    out.left[i] = 0.8F * out.left[i] + 0.4F * music.left[i];
    out.right[i] = 0.8F * out.right[i] + 0.4F * music.right[i];
  }
  return out;
}

}  // namespace bench
