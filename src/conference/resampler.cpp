// SPDX-License-Identifier: Apache-2.0
#include "conference/resampler.hpp"

#include <array>
#include <cmath>
#include <numbers>

#include "base/check.hpp"

namespace conference {
namespace {

constexpr std::size_t kTaps = 2 * kResamplerReach;
constexpr std::size_t kPhases = 256;
constexpr double kKaiserBeta = 9;

using Taps = std::array<float, kTaps>;

// Modified Bessel function of the first kind, order zero.
double bessel_i0(double x) {
  double sum = 1;
  double term = 1;
  for (int k = 1; k < 40; ++k) {
    term *= x / (2 * k) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

// Row p holds the weights of in[whole - 15 .. whole + 16] for the position whole + p / kPhases; they sum to one.
std::array<Taps, kPhases + 1> make_table() {
  std::array<Taps, kPhases + 1> table{};
  constexpr double kHalf = kResamplerReach;
  for (std::size_t phase = 0; phase <= kPhases; ++phase) {
    double sum = 0;
    std::array<double, kTaps> row{};
    for (std::size_t tap = 0; tap < kTaps; ++tap) {
      const double x = static_cast<double>(tap) - (kHalf - 1) - static_cast<double>(phase) / kPhases;
      const double sinc = x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
      const double edge = 1 - (x / kHalf) * (x / kHalf);
      row[tap] = edge <= 0 ? 0 : sinc * bessel_i0(kKaiserBeta * std::sqrt(edge)) / bessel_i0(kKaiserBeta);
      sum += row[tap];
    }
    for (std::size_t tap = 0; tap < kTaps; ++tap) table[phase][tap] = static_cast<float>(row[tap] / sum);
  }
  return table;
}

}  // namespace

void resample(std::span<const float> in, double start, double step, std::span<float> out) {
  static const std::array<Taps, kPhases + 1> table = make_table();
  const double last = start + step * static_cast<double>(out.size() - 1);
  CHECK(start >= static_cast<double>(kResamplerReach - 1));
  CHECK(last + static_cast<double>(kResamplerReach) < static_cast<double>(in.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double position = start + step * static_cast<double>(i);
    const double whole = std::floor(position);
    const auto phase = (position - whole) * static_cast<double>(kPhases);
    const auto row = static_cast<std::size_t>(phase);
    const auto between = static_cast<float>(phase - static_cast<double>(row));
    const float* samples = in.data() + static_cast<std::size_t>(whole) - (kResamplerReach - 1);
    float low = 0;
    float high = 0;
    for (std::size_t tap = 0; tap < kTaps; ++tap) {
      low += samples[tap] * table[row][tap];
      high += samples[tap] * table[row + 1][tap];
    }
    out[i] = low + between * (high - low);
  }
}

}  // namespace conference
