// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lines to whole numbers (ISO/IEC 14496-3 4.6.2): step sizes from the masking and one number for the whole unit, the
// noise level, which the rate decides.

#include <array>
#include <cstdint>
#include <span>

#include "aac_encoder/stereo.hpp"

namespace aac_encoder {

// What of a channel the search for the noise level needs, once per unit.
struct StepModel {
  std::array<float, kLines> power{};                      // |line| to 3/4
  std::array<float, BandLayout::kMaxBands> masked_log{};  // log2 of noise per line, at level 0
  std::array<float, BandLayout::kMaxBands> limited_log{};
  std::array<float, BandLayout::kMaxBands> quiet_log{};
  std::array<float, BandLayout::kMaxBands> root_log{};   // log2 of the mean of sqrt |line| times the noise factor
  std::array<float, BandLayout::kMaxBands> power_log{};  // log2 of the mean of |line| to 3/4
  std::array<float, BandLayout::kMaxBands> largest{};    // of `power`
};

struct Quantized {
  std::array<std::int16_t, kLines> value{};
  std::array<std::uint16_t, BandLayout::kMaxBands> largest{};  // magnitude
  std::array<std::uint8_t, BandLayout::kMaxBands> scale{};     // scale factor; of no meaning where largest is 0
};

void model_steps(const BandLayout& layout, const Channel& channel, StepModel& out);
// Bits of the channel's lines and scale factors at a noise level, without quantizing. Falls as `level` (log2) rises.
float estimate_bits(const BandLayout& layout, const StepModel& model, float level);
void quantize(const BandLayout& layout, const Channel& channel, const StepModel& model, float level, Quantized& out);

}  // namespace aac_encoder
