// SPDX-License-Identifier: Apache-2.0
#pragma once
// AAC-LC, 48 kHz stereo, behind a small interface: which encoder it is stays here.

#include <array>
#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "streams/aac_choice.hpp"

namespace streams::aac {

inline constexpr std::size_t kFrameSamples = 1024;

// Planar samples of one frame, left and right, in -1..1.
using Pcm = std::array<std::array<float, kFrameSamples>, 2>;

// Owned by one rendering, one thread.
class Encoder {
 public:
  virtual ~Encoder() = default;
  // Gives an access unit for every frame but the first. The unit given for frame f decodes, together with its
  // neighbours, to the samples of frame f - 2.
  virtual base::Result<std::optional<base::Bytes>> encode(const Pcm& frame) = 0;
};

base::Result<std::unique_ptr<Encoder>> open_encoder(AacChoice choice);

}  // namespace streams::aac
