// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads samples at a rate slightly beside their own, to follow another clock.

#include <cstddef>
#include <span>

namespace conference {

// Samples that must be there on both sides of a position: a windowed sinc of 32 taps, flat to 20 kHz.
inline constexpr std::size_t kResamplerReach = 16;

// out[i] = in at position `start` + i * `step`, fractional, in samples of `in`. Every position has kResamplerReach
// samples on both sides. At whole positions the samples come out as they are.
void resample(std::span<const float> in, double start, double step, std::span<float> out);

}  // namespace conference
