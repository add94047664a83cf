// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/masking.hpp"

#include <algorithm>
#include <cmath>

namespace aac_encoder {
namespace {

constexpr double kSlopeUp = 15;            // dB per bark, towards higher frequencies
constexpr double kSlopeDown = 30;          // dB per bark, towards lower ones
constexpr double kDistance = 6;            // dB between masker and masked noise up to 12 bark
constexpr double kDistancePerBark = 0.25;  // and above: wide bands average more noise
constexpr double kFullScale = 110;         // dB SPL of a full sine: 16 bits reach down to the threshold in quiet

double to_bark(double hertz) {
  return 13 * std::atan(0.00076 * hertz) + 3.5 * std::atan(hertz / 7500 * (hertz / 7500));
}

// Terhardt's threshold in quiet, dB SPL.
double threshold_in_quiet(double hertz) {
  const double k = std::max(hertz, 20.0) / 1000;
  return 3.64 * std::pow(k, -0.8) - 6.5 * std::exp(-0.6 * (k - 3.3) * (k - 3.3)) + 1e-3 * k * k * k * k;
}

float from_db(double db) {
  return static_cast<float>(std::pow(10.0, db / 10));
}

constexpr float kMostRise = 2, kLeastOfMask = 0.001F;  // of noise from unit to unit
constexpr float kRising = 0.1F;
constexpr unsigned kManyBands = 10;  // of 49
constexpr std::size_t kPart = 4;     // lines; edges of bands are multiples of it
constexpr std::size_t kMostParts = kLines / kPart;

// Factors of the parts of one window.
struct Ear {
  std::array<float, kMostParts> up{};        // from the part below
  std::array<float, kMostParts> down{};      // from the part above
  std::array<float, kMostParts> distance{};  // masked noise per energy
  std::array<float, kMostParts> quiet{};     // energy of a band around the part

  explicit Ear(WindowSequence sequence) {
    const auto lines = static_cast<double>(sequence == WindowSequence::EightShort ? kShortLines : kLines);
    const std::size_t parts = band_edges(sequence).back() / kPart;
    const auto middle = [&](std::size_t part) { return (static_cast<double>(part) + 0.5) * kPart * 24'000 / lines; };
    // Energy of the lines of a full sine: 32768 * lines * mean of the window, squared.
    const double full = std::pow(32'768 * lines * 0.64, 2);
    for (std::size_t part = 0; part < parts; ++part) {
      const double bark = to_bark(middle(part));
      if (part > 0) up[part] = from_db(-kSlopeUp * (bark - to_bark(middle(part - 1))));
      if (part + 1 < parts) down[part] = from_db(-kSlopeDown * (to_bark(middle(part + 1)) - bark));
      distance[part] = from_db(-kDistance - kDistancePerBark * std::max(0.0, bark - 12));
      quiet[part] = static_cast<float>(full) * from_db(threshold_in_quiet(middle(part)) - kFullScale);
    }
  }
};

const Ear& ear_for(const BandLayout& layout) {
  static const Ear kLong(WindowSequence::OnlyLong);
  static const Ear kShort(WindowSequence::EightShort);
  return layout.is_short() ? kShort : kLong;
}

using Parts = std::array<float, kMostParts>;

// Energies of a group's parts, its windows added up; of its bands too.
struct Group {
  unsigned first = 0;  // of its bands
  unsigned windows = 0;
};
void measure_parts(const BandLayout& layout, Group group, std::span<const float, kLines> lines, Parts& parts,
                   Masking& out) {
  const auto [first, windows] = group;
  const auto edges = band_edges(layout.sequence);
  parts.fill(0);
  const float* line = lines.data() + layout.edge[first];
  for (unsigned i = 0; i < layout.bands; ++i) {
    const std::size_t begin = edges[i] / kPart, end = edges[i + 1] / kPart;
    for (unsigned w = 0; w < windows; ++w) {
      for (std::size_t part = begin; part < end; ++part, line += kPart) {
        parts[part] += line[0] * line[0] + line[1] * line[1] + line[2] * line[2] + line[3] * line[3];
      }
    }
    float sum = 0;
    for (std::size_t part = begin; part < end; ++part) sum += parts[part];
    out.energy[first + i] = sum;
  }
}

void spread(const Ear& ear, std::span<float> parts) {
  for (std::size_t i = 1; i < parts.size(); ++i) parts[i] = std::max(parts[i], parts[i - 1] * ear.up[i]);
  for (std::size_t i = parts.size() - 1; i-- > 0;) parts[i] = std::max(parts[i], parts[i + 1] * ear.down[i]);
}

}  // namespace

bool limit_rise(const BandLayout& layout, const Masks& before, Masking& masking) {
  unsigned rising = 0;
  for (unsigned band = 0; band < layout.total(); ++band) {
    const float masked = masking.masked[band];
    masking.limited[band] = std::max(kLeastOfMask * masked, std::min(masked, kMostRise * before[band]));
    if (masking.limited[band] < kRising * masked && masking.energy[band] > masking.quiet[band]) ++rising;
  }
  return rising >= kManyBands;
}

void measure_masking(const BandLayout& layout, std::span<const float, kLines> lines, Masking& out) {
  const Ear& ear = ear_for(layout);
  const auto edges = band_edges(layout.sequence);
  Parts parts;
  unsigned first = 0;
  for (unsigned group = 0; group < layout.grouping.groups; ++group, first += layout.bands) {
    const unsigned windows = layout.grouping.windows[group];
    measure_parts(layout, {first, windows}, lines, parts, out);
    spread(ear, std::span(parts).first(edges.back() / kPart));
    for (unsigned i = 0; i < layout.bands; ++i) {
      // Noise is spread evenly over a band, what masks it is not: the harmonic mean is what the valleys allow.
      float inverse = 0;
      for (std::size_t part = edges[i] / kPart; part < edges[i + 1] / kPart; ++part)
        inverse += 1 / (parts[part] + 1e-3F);
      const std::size_t count_of_parts = (edges[i + 1] - edges[i]) / kPart;
      const auto count = static_cast<float>(count_of_parts);
      out.masked[first + i] = ear.distance[edges[i] / kPart] * count * count / inverse;
      out.limited[first + i] = out.masked[first + i];
      out.quiet[first + i] = ear.quiet[edges[i] / kPart] * static_cast<float>(windows);
    }
  }
}

}  // namespace aac_encoder
