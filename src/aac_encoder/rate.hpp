// SPDX-License-Identifier: Apache-2.0
#pragma once
// The noise level of a unit from the bits it may have. No reservoir: a unit's bits depend on its own sound only, so
// that it is the same unit wherever encoding began. Sound that is hard to code gets more bits, easy sound fewer.

#include <array>

#include "aac_encoder/unit_writer.hpp"

namespace aac_encoder {

struct Rate {
  float bits = 1860;  // of a unit of ordinary sound: with what is added for hard sound about 96 kbit/s
  float most_bits = 3400;
};

// Quantizes both channels and chooses their codebooks. `channels_used` 1: the second is silence.
// `sudden`: an attack after none, or a sound that sets in: dear, and does not come often.
class RateControl {
 public:
  explicit RateControl(const Rate& rate) : rate_(rate) {}

  // Gives the channels as they are to be written; their bits fit a unit. The view lives until the next call.
  std::span<const CodedChannel, 2> encode(const BandLayout& layout, std::span<const Channel, 2> channels,
                                          std::size_t channels_used, bool sudden);

 private:
  float estimate(const BandLayout& layout, float level) const;
  // The level at which the estimate meets `share` of the bits that the level deserves.
  float find_level(const BandLayout& layout, float share) const;
  float deserved_bits(float level) const;
  float code(const BandLayout& layout, std::span<const Channel, 2> channels, float level);

  Rate rate_;
  std::size_t used_ = 2;
  bool sudden_ = false;
  std::array<StepModel, 2> models_;
  std::array<CodedChannel, 2> coded_;
};

}  // namespace aac_encoder
