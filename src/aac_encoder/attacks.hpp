// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where sound sets in so suddenly that the noise of a long window would be heard before it.

#include <array>
#include <span>

#include "aac_encoder/layout.hpp"

namespace aac_encoder {

// Energies of the eight eighths of a frame. A function of the frame alone.
struct FrameEnergies {
  std::array<float, kShortWindows> part{};   // low frequencies taken out
  std::array<float, kShortWindows> whole{};  // with them
};
FrameEnergies measure_energies(std::span<const float, kLines> frame);

// Whether the unit of frames `own` and `next` is to have short windows: an attack in the middle half of the two, where
// its short windows lie. `before` is the frame before `own`.
bool has_attack(const FrameEnergies& before, const FrameEnergies& own, const FrameEnergies& next);

// The window sequence of a unit from the attacks of its neighbours: no state, so that a unit depends on the frames
// around it only.
WindowSequence choose_sequence(bool attack_before, bool attack, bool attack_after);

// Neighbouring windows of like energy share scale factors. `windows`: eight times 128 lines.
Grouping choose_grouping(std::span<const float, kLines> left, std::span<const float, kLines> right);

}  // namespace aac_encoder
