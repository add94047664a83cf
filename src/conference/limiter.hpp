// SPDX-License-Identifier: Apache-2.0
#pragma once
// Keeps a sum of voices below full scale, by gain and not by clipping.

#include <span>

#include "conference/audio_packet.hpp"

namespace conference {

// The gain falls within a block of 2.5 ms before a peak and recovers by 1 dB in 20 ms. A peak in the first block of a
// frame, which nothing announced, is rounded off while the gain falls.
class Limiter {
 public:
  static constexpr float kThreshold = 0.8F;  // what is below stays as it is
  static constexpr float kCeiling = 0.9F;    // nothing is above; the rest is for what the codec adds

  void apply(std::span<float, kFrameSamples> samples);
  float gain() const { return gain_; }

 private:
  float gain_ = 1;
};

}  // namespace conference
