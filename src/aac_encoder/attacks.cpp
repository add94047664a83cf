// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/attacks.hpp"

#include <algorithm>

namespace aac_encoder {
namespace {

constexpr std::size_t kPart = kLines / kShortWindows;
constexpr float kAttack = 14;      // times the mean of the four parts before
constexpr float kOverTone = 0.1F;  // of all energy: short windows would smear a loud low tone for a soft attack
constexpr float kAudible = 1e-6F;  // energy of a part, samples in -1..1: about -80 dBFS
constexpr float kLikeEnergy = 4;   // windows that differ by more do not share scale factors

}  // namespace

FrameEnergies measure_energies(std::span<const float, kLines> frame) {
  FrameEnergies energies;
  for (std::size_t part = 0; part < kShortWindows; ++part) {
    float sum = 0;
    // The frame's first differences would need the frame before.
    for (std::size_t i = part * kPart + (part == 0 ? 2 : 0); i < (part + 1) * kPart; ++i) {
      const float difference = frame[i] - 2 * frame[i - 1] + frame[i - 2];
      sum += difference * difference;
    }
    energies.part[part] = sum;
    for (std::size_t i = part * kPart; i < (part + 1) * kPart; ++i) energies.whole[part] += frame[i] * frame[i];
  }
  return energies;
}

bool has_attack(const FrameEnergies& before, const FrameEnergies& own, const FrameEnergies& next) {
  std::array<float, 16> parts{}, whole{};
  std::copy_n(before.part.begin() + 4, 4, parts.begin());
  std::ranges::copy(own.part, parts.begin() + 4);
  std::copy_n(next.part.begin(), 4, parts.begin() + 12);
  std::ranges::copy(own.whole, whole.begin() + 4);
  std::copy_n(next.whole.begin(), 4, whole.begin() + 12);
  for (std::size_t i = 8; i < parts.size(); ++i) {
    const float past = 0.25F * (parts[i - 1] + parts[i - 2] + parts[i - 3] + parts[i - 4]);
    if (parts[i] > kAudible && parts[i] > kAttack * past && parts[i] > kOverTone * whole[i]) return true;
  }
  return false;
}

WindowSequence choose_sequence(bool attack_before, bool attack, bool attack_after) {
  if (attack || (attack_before && attack_after)) return WindowSequence::EightShort;
  if (attack_before) return WindowSequence::LongStop;
  if (attack_after) return WindowSequence::LongStart;
  return WindowSequence::OnlyLong;
}

Grouping choose_grouping(std::span<const float, kLines> left, std::span<const float, kLines> right) {
  Grouping grouping;
  grouping.groups = 0;
  float mean = 0;
  for (std::size_t w = 0; w < kShortWindows; ++w) {
    float energy = 1;
    for (std::size_t i = w * kShortLines; i < (w + 1) * kShortLines; ++i) {
      energy += left[i] * left[i] + right[i] * right[i];
    }
    if (w > 0 && energy < kLikeEnergy * mean && mean < kLikeEnergy * energy) {
      const auto held = static_cast<float>(grouping.windows[grouping.groups - 1]++);
      mean = (mean * held + energy) / (held + 1);
    } else {
      grouping.windows[grouping.groups++] = 1;
      mean = energy;
    }
  }
  return grouping;
}

}  // namespace aac_encoder
