// SPDX-License-Identifier: Apache-2.0
#pragma once
// Middle and side instead of left and right, band by band, where that costs fewer bits.

#include <array>
#include <cstdint>

#include "aac_encoder/masking.hpp"

namespace aac_encoder {

struct Channel {
  alignas(64) std::array<float, kLines> lines{};  // in coded order
  Masking masking;
};

// ms_mask_present of ISO/IEC 14496-3, table 4.5.
struct StereoMask {
  enum Kind : std::uint8_t { None = 0, Some = 1, All = 2 };
  Kind kind = None;
  std::array<bool, BandLayout::kMaxBands> middle_side{};
};

// Turns `left` into the middle and `right` into the side in the bands that the mask names.
StereoMask join_channels(const BandLayout& layout, Channel& left, Channel& right);
// The mask of two channels that are the same: `right` becomes silence, `left` is the middle as it is.
StereoMask join_equal_channels(Channel& right);

}  // namespace aac_encoder
