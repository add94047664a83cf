// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/quantizer.hpp"

#include <algorithm>
#include <cmath>

#include "aac_encoder/spectral_codes.hpp"

namespace aac_encoder {
namespace {

constexpr int kScaleOfOne = 100;  // the scale factor whose step is 1
constexpr float kRound = 0.4054F;
// A value off by u in the domain of powers is off by 4/3 step^3/4 |line|^1/4 u; u is even in a unit interval.
constexpr float kNoiseFactor = 16.0F / 9 / 12;
constexpr float kLimitsHold = 0.5F, kLimitsYield = 6;  // a level, and by how much they rise for each step above it
constexpr float kBitsPerBand = 4;                      // scale factor and its share of the section

// Bits of a line by log2 of the mean value of its band, in quarters from -16 to 16: what the codebooks need on speech
// and music, measured.
struct LineBits {
  static constexpr int kZero = 64;
  std::array<float, 2 * kZero> bits{};
  LineBits() {
    for (int i = 0; i < 2 * kZero; ++i) {
      const double mean = std::exp2((i - kZero) / 4.0);
      bits[static_cast<std::size_t>(i)] =
          mean < 0.1 ? 0 : static_cast<float>(std::log2(1 + 5.44 * mean * mean / (mean + 0.35)));
    }
  }
  float at(float log) const {
    static constexpr float kNearest = static_cast<float>(kZero) + 0.5F;
    const int index = std::clamp(static_cast<int>(log * 4 + kNearest), 0, 2 * kZero - 1);
    return bits[static_cast<std::size_t>(index)];
  }
};
const LineBits kLineBits;

// A step for every scale factor, to the power -3/4.
struct InverseSteps {
  std::array<float, 256> power{};
  InverseSteps() {
    for (int i = 0; i < 256; ++i) {
      power[static_cast<std::size_t>(i)] = static_cast<float>(std::exp2(-0.1875 * (i - kScaleOfOne)));
    }
  }
};
const InverseSteps kInverse;

// log2 of the step at which a band's noise is what the level allows. Where bits are short, noise before a sudden sound
// is the lesser evil: without them a tone that has gone on all the time would be lost for a whole unit.
float step_log(const StepModel& model, unsigned band, float level) {
  const float yielded = kLimitsYield * std::max(0.0F, level - kLimitsHold);
  const float hidden = level + std::min(model.masked_log[band], model.limited_log[band] + yielded);
  const float noise = std::max(hidden, model.quiet_log[band]);
  return (noise - model.root_log[band]) * (2.0F / 3);
}

// The smallest scale factor at which `largest` (to 3/4) does not leave the last codebook.
int lowest_scale(float largest) {
  if (largest <= 0) return 0;
  return kScaleOfOne + static_cast<int>(std::ceil(std::log2(largest / (kLargestValue - 1)) / 0.1875F));
}

struct Range {
  std::size_t first = 0, end = 0;
};
void quantize_band(const Channel& channel, const StepModel& model, Range lines, float inverse, std::int16_t* values) {
  for (std::size_t k = lines.first; k < lines.end; ++k) {
    const float rounded = std::min(model.power[k] * inverse + kRound, static_cast<float>(kLargestValue));
    const auto size = static_cast<std::int16_t>(static_cast<int>(rounded));
    values[k] = channel.lines[k] < 0 ? static_cast<std::int16_t>(-size) : size;
  }
}

}  // namespace

void model_steps(const BandLayout& layout, const Channel& channel, StepModel& out) {
  const std::size_t lines = layout.edge[layout.total()];
  alignas(64) std::array<float, kLines> root;
  for (std::size_t k = 0; k < lines; ++k) root[k] = std::sqrt(std::abs(channel.lines[k]));
  for (std::size_t k = 0; k < lines; ++k) out.power[k] = root[k] * std::sqrt(root[k]);
  for (unsigned band = 0; band < layout.total(); ++band) {
    float roots = 0, powers = 0, largest = 0;
    for (std::size_t k = layout.edge[band]; k < layout.edge[band + 1]; ++k) {
      roots += root[k];
      powers += out.power[k];
      largest = std::max(largest, out.power[k]);
    }
    const auto width = static_cast<float>(layout.width(band));
    out.largest[band] = largest;
    out.masked_log[band] = std::log2(channel.masking.masked[band] / width + 1e-9F);
    out.limited_log[band] = std::log2(channel.masking.limited[band] / width + 1e-9F);
    out.quiet_log[band] = std::log2(channel.masking.quiet[band] / width + 1e-9F);
    out.root_log[band] = std::log2(roots / width * kNoiseFactor + 1e-9F);
    out.power_log[band] = std::log2(powers / width + 1e-9F);
  }
}

float estimate_bits(const BandLayout& layout, const StepModel& model, float level) {
  float bits = 0;
  for (unsigned band = 0; band < layout.total(); ++band) {
    const float line = kLineBits.at(model.power_log[band] - 0.75F * step_log(model, band, level));
    bits += line * static_cast<float>(layout.width(band)) + (line > 0 ? kBitsPerBand : 0);
  }
  return bits;
}

void quantize(const BandLayout& layout, const Channel& channel, const StepModel& model, float level, Quantized& out) {
  int last = -1;
  for (unsigned band = 0; band < layout.total(); ++band) {
    const std::size_t first = layout.edge[band], end = layout.edge[band + 1];
    const auto wanted = static_cast<int>(std::lround(kScaleOfOne + 4 * step_log(model, band, level)));
    int scale = std::clamp(std::max(wanted, lowest_scale(model.largest[band])), 0, 255);
    if (last >= 0) {
      // A step of one costs three bits more than none and is not heard.
      if (scale == last + 1 || scale == last - 1) scale = std::max(last, lowest_scale(model.largest[band]));
      scale = std::clamp(scale, last - kLargestScaleStep, last + kLargestScaleStep);
    }
    const float inverse = kInverse.power[static_cast<std::size_t>(scale)];
    const float largest = std::min(model.largest[band] * inverse + kRound, static_cast<float>(kLargestValue));
    out.largest[band] = static_cast<std::uint16_t>(largest);
    out.scale[band] = static_cast<std::uint8_t>(scale);
    if (out.largest[band] == 0) {
      std::fill(out.value.begin() + static_cast<std::ptrdiff_t>(first),
                out.value.begin() + static_cast<std::ptrdiff_t>(end), std::int16_t{0});
      continue;
    }
    quantize_band(channel, model, {first, end}, inverse, out.value.data());
    last = scale;
  }
}

}  // namespace aac_encoder
