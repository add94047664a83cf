// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/rate.hpp"

#include <algorithm>
#include <cmath>

namespace aac_encoder {
namespace {

constexpr float kLowestLevel = -40, kHighestLevel = 24;  // log2 of noise over what is masked
constexpr float kOrdinaryLevel = -4;                     // where ordinary speech and music meet the rate, measured
constexpr float kYield = 0.06F;  // log2 of bits for each step of the level: 10 dB more noise, 15 % more bits
constexpr float kSuddenBits = 2;
constexpr float kLeastShare = 0.85F;  // of the bits, for easy sound
constexpr int kSearchSteps = 10;
constexpr int kCorrections = 2;
constexpr float kOver = 1.04F, kUnder = 0.9F;  // of the bits deserved: not corrected
constexpr float kHardLimit = 8 * kMaxUnitBytes - kFrameBits;

}  // namespace

float RateControl::estimate(const BandLayout& layout, float level) const {
  float bits = 0;
  for (std::size_t i = 0; i < used_; ++i) bits += estimate_bits(layout, models_[i], level);
  return bits;
}

float RateControl::deserved_bits(float level) const {
  const float bits = rate_.bits * std::max(kLeastShare, std::exp2(kYield * (level - kOrdinaryLevel)));
  return std::min(sudden_ ? kSuddenBits * bits : bits, rate_.most_bits) - static_cast<float>(kFrameBits) / 2;
}

float RateControl::find_level(const BandLayout& layout, float share) const {
  float low = kLowestLevel, high = kHighestLevel;
  for (int i = 0; i < kSearchSteps; ++i) {
    const float middle = (low + high) / 2;
    (estimate(layout, middle) > share * deserved_bits(middle) ? low : high) = middle;
  }
  return high;
}

float RateControl::code(const BandLayout& layout, std::span<const Channel, 2> channels, float level) {
  std::size_t bits = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    quantize(layout, channels[i], models_[i], level, coded_[i].quantized);
    choose_sections(layout, coded_[i].quantized, coded_[i].sections);
    bits += count_bits(layout, coded_[i]);
  }
  return static_cast<float>(bits);
}

std::span<const CodedChannel, 2> RateControl::encode(const BandLayout& layout, std::span<const Channel, 2> channels,
                                                     std::size_t channels_used, bool sudden) {
  used_ = channels_used;
  sudden_ = sudden;
  for (std::size_t i = 0; i < used_; ++i) model_steps(layout, channels[i], models_[i]);
  if (used_ < 2) coded_[1] = {};
  float share = 1;
  float level = find_level(layout, share);
  float bits = code(layout, channels, level);
  for (int i = 0; i < kCorrections; ++i) {
    const float deserved = deserved_bits(level);
    if (bits <= kOver * deserved && (bits >= kUnder * deserved || level <= kLowestLevel + 0.1F)) break;
    share *= std::clamp(deserved / std::max(bits, 1.0F), 0.5F, 2.0F);
    const float corrected = find_level(layout, share);
    if (corrected == level) break;
    level = corrected;
    bits = code(layout, channels, level);
  }
  while (bits > kHardLimit) {
    level += 4;
    bits = code(layout, channels, level);
  }
  return coded_;
}

}  // namespace aac_encoder
