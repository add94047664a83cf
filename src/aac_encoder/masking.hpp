// SPDX-License-Identifier: Apache-2.0
#pragma once
// How much noise each band hides: its own energy and that of its neighbours, spread as the ear spreads it, less a
// distance; never less than the threshold in quiet.

#include <array>
#include <span>

#include "aac_encoder/layout.hpp"

namespace aac_encoder {

// Sums over the lines of a band, in the order of the layout.
struct Masking {
  std::array<float, BandLayout::kMaxBands> energy{};
  std::array<float, BandLayout::kMaxBands> masked{};   // noise that the sound hides; rate control scales it
  std::array<float, BandLayout::kMaxBands> limited{};  // of that, what may be heard before the sound sets in
  std::array<float, BandLayout::kMaxBands> quiet{};    // noise below this is not heard in silence either
};

// Limits each band's noise to little more than the unit before (same layout, of the same channel) would have hidden:
// the noise of a long window is heard before a sound that sets in within it. Rate control lets go of these limits
// first. True where many bands are limited: such a unit is dear.
using Masks = std::array<float, BandLayout::kMaxBands>;
bool limit_rise(const BandLayout& layout, const Masks& before, Masking& masking);

void measure_masking(const BandLayout& layout, std::span<const float, kLines> lines, Masking& out);

}  // namespace aac_encoder
