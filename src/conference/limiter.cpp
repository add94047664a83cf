// SPDX-License-Identifier: Apache-2.0
#include "conference/limiter.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace conference {
namespace {

constexpr std::size_t kBlock = 120;
constexpr std::size_t kBlocks = kFrameSamples / kBlock;
constexpr float kRecovery = 1.0145F;  // a block: 1 dB in 8 blocks

// Below the threshold as it is, above it bent towards the ceiling.
float round_off(float sample) {
  const float size = std::abs(sample);
  if (size <= Limiter::kThreshold) return sample;
  constexpr float kRoom = Limiter::kCeiling - Limiter::kThreshold;
  return std::copysign(Limiter::kThreshold + kRoom * std::tanh((size - Limiter::kThreshold) / kRoom), sample);
}

}  // namespace

void Limiter::apply(std::span<float, kFrameSamples> samples) {
  std::array<float, kBlocks> allowed;
  for (std::size_t block = 0; block < kBlocks; ++block) {
    float peak = 0;
    for (const float sample : samples.subspan(block * kBlock, kBlock)) peak = std::max(peak, std::abs(sample));
    allowed[block] = peak > kThreshold ? kThreshold / peak : 1;
  }
  for (std::size_t block = 0; block < kBlocks; ++block) {
    // The gain at the end of a block serves this block and the next.
    const float next = block + 1 < kBlocks ? allowed[block + 1] : 1;
    const float end = std::min({1.0F, gain_ * kRecovery, allowed[block], next});
    const float step = (end - gain_) / kBlock;
    for (std::size_t i = 0; i < kBlock; ++i) {
      float& sample = samples[block * kBlock + i];
      sample = round_off(sample * (gain_ + step * static_cast<float>(i + 1)));
    }
    gain_ = end;
  }
}

}  // namespace conference
