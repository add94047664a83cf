// SPDX-License-Identifier: Apache-2.0
#include "noise_to_mask.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

namespace bench {
namespace {

constexpr std::size_t kSize = 2048;
constexpr std::size_t kHop = 512;
constexpr double kRate = 48'000;
constexpr double kFullScale = 92;  // dB SPL
constexpr double kBandWidth = 0.25;

using Complex = std::complex<double>;

void transform(std::vector<Complex>& x) {
  for (std::size_t i = 1, j = 0; i < x.size(); ++i) {
    std::size_t bit = x.size() / 2;
    for (; j & bit; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t length = 2; length <= x.size(); length *= 2) {
    for (std::size_t k = 0; k < length / 2; ++k) {
      const Complex turn =
          std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(length));
      for (std::size_t i = k; i < x.size(); i += length) {
        const Complex odd = turn * x[i + length / 2];
        x[i + length / 2] = x[i] - odd;
        x[i] += odd;
      }
    }
  }
}

double to_bark(double hertz) {
  return 7 * std::asinh(hertz / 650);
}
double to_hertz(double bark) {
  return 650 * std::sinh(bark / 7);
}
double to_db(double energy) {
  return 10 * std::log10(std::max(energy, 1e-20));
}
double from_db(double db) {
  return std::pow(10.0, db / 10);
}

struct Band {
  double low = 0, high = 0;  // bins, fractions included
  double center = 0;         // hertz
  double bark = 0;
  double quiet = 0;  // energy
};

std::vector<Band> make_bands() {
  std::vector<Band> bands;
  const double bin = kRate / kSize;
  double bark = to_bark(80);
  while (bark < to_bark(18'000)) {
    Band band;
    band.low = to_hertz(bark) / bin + 0.5;
    band.high = to_hertz(std::min(bark + kBandWidth, to_bark(18'000))) / bin + 0.5;
    band.bark = bark + kBandWidth / 2;
    band.center = to_hertz(band.bark);
    band.quiet = from_db(0.4 * 3.64 * std::pow(band.center / 1000, -0.8));  // internal noise of the standard
    bands.push_back(band);
    bark += kBandWidth;
  }
  return bands;
}

// Energies per band, in units of 0 dB SPL.
std::vector<double> measure_bands(const std::vector<Band>& bands, std::span<const float> samples) {
  std::vector<Complex> x(kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / (kSize - 1));
    x[i] = window * static_cast<double>(samples[i]);
  }
  transform(x);
  // A full sine has energy (kSize / 4)^2 at its bin.
  const double scale = from_db(kFullScale) / (kSize / 4.0) / (kSize / 4.0);
  std::vector<double> energies;
  for (const Band& band : bands) {
    double sum = 0;
    for (auto bin = static_cast<std::size_t>(band.low); bin <= static_cast<std::size_t>(band.high); ++bin) {
      const double at = static_cast<double>(bin);
      const double share = std::min(band.high, at + 1) - std::max(band.low, at);
      sum += std::max(0.0, share) * std::norm(x[bin]);
    }
    energies.push_back(std::max(sum * scale, 1e-12));
  }
  return energies;
}

std::vector<double> measure_mask(const std::vector<Band>& bands, const std::vector<double>& energies) {
  std::vector<double> excitation(bands.size());
  for (std::size_t i = 0; i < bands.size(); ++i) {
    const double level = energies[i] + bands[i].quiet;
    const double up = from_db(-kBandWidth * std::max(4.0, 24 + 230 / bands[i].center - 0.2 * to_db(level)));
    const double down = from_db(-kBandWidth * 27);
    // The spread energy adds up to that of the band.
    double norm = 0, share = 1;
    for (std::size_t j = i + 1; j-- > 0; share *= down) norm += share;
    share = up;
    for (std::size_t j = i + 1; j < bands.size(); ++j, share *= up) norm += share;
    share = level / norm;
    for (std::size_t j = i + 1; j-- > 0; share *= down) excitation[j] += share;
    share = level / norm * up;
    for (std::size_t j = i + 1; j < bands.size(); ++j, share *= up) excitation[j] += share;
  }
  for (std::size_t i = 0; i < bands.size(); ++i) {
    const double bark = bands[i].bark - bands[0].bark;
    excitation[i] *= from_db(-(bark <= 12 ? 3 : 0.25 * bark));
  }
  return excitation;
}

// What was heard before still masks: it dies away with a time constant of 8 ms at high frequencies, 19 at 200 Hz.
void spread_in_time(const std::vector<Band>& bands, std::vector<double>& held, std::vector<double>& mask) {
  held.resize(bands.size());
  for (std::size_t i = 0; i < bands.size(); ++i) {
    const double constant = 0.008 + 100 / bands[i].center * (0.030 - 0.008);
    const double keep = std::exp(-static_cast<double>(kHop) / kRate / constant);
    held[i] = keep * held[i] + (1 - keep) * mask[i];
    mask[i] = std::max(mask[i], held[i]);
  }
}

}  // namespace

Quality measure_quality(std::span<const float> original, std::span<const float> coded) {
  const std::vector<Band> bands = make_bands();
  const std::size_t size = std::min(original.size(), coded.size());
  std::vector<float> noise(size);
  for (std::size_t i = 0; i < size; ++i) noise[i] = coded[i] - original[i];
  double signal_energy = 0, noise_energy = 0, total = 0, segmental = 0;
  std::vector<double> frames, held;
  for (std::size_t at = 0; at + kSize <= size; at += kHop) {
    double energy = 0;
    for (std::size_t i = at; i < at + kSize; ++i) {
      energy += std::pow(static_cast<double>(original[i]), 2);
      noise_energy += std::pow(static_cast<double>(noise[i]), 2);
    }
    signal_energy += energy;
    if (energy / kSize < 1e-7) continue;
    auto mask = measure_mask(bands, measure_bands(bands, original.subspan(at, kSize)));
    spread_in_time(bands, held, mask);
    const auto heard = measure_bands(bands, std::span(noise).subspan(at, kSize));
    double ratio = 0;
    for (std::size_t i = 0; i < bands.size(); ++i) ratio += heard[i] / mask[i];
    ratio /= static_cast<double>(bands.size());
    frames.push_back(ratio);
    total += ratio;
    segmental += to_db(ratio);
  }
  Quality quality;
  if (frames.empty()) return quality;
  const auto count = static_cast<double>(frames.size());
  std::ranges::sort(frames);
  quality.total_nmr = to_db(total / count);
  quality.segmental_nmr = segmental / count;
  quality.worst_nmr = to_db(frames[frames.size() * 99 / 100]);
  quality.snr = to_db(signal_energy) - to_db(noise_energy);
  return quality;
}

}  // namespace bench
