// SPDX-License-Identifier: Apache-2.0
#pragma once
// AAC-LC for rendered sound: 48 kHz, stereo, about 96 kbit/s. A unit is a function of six frames, from the three
// before its own to the two after: no reservoir, no adaptive state, so it is the same wherever encoding began.

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "aac_encoder/attacks.hpp"
#include "aac_encoder/rate.hpp"
#include "aac_encoder/transform.hpp"

namespace aac_encoder {

// Owned by one thread. Nothing is allocated per frame.
class Encoder {
 public:
  // Fails when memory has run out.
  static base::Result<std::unique_ptr<Encoder>> open(const Rate& rate = {});

  // Samples in -1..1. Gives a unit for every frame but the first: the unit given for frame f decodes, with its
  // neighbours, to the samples of frame f - 2. The view lives until the next call.
  std::optional<base::ByteView> encode(std::span<const float, kLines> left, std::span<const float, kLines> right);

 private:
  struct Frame {
    alignas(64) std::array<std::array<float, kLines>, 2> samples{};
    std::array<FrameEnergies, 2> energies{};
    bool silent = true;
    bool equal = true;  // both channels are the same
  };

  explicit Encoder(const Rate& rate) : rate_(rate) {}
  void take(std::span<const float, kLines> left, std::span<const float, kLines> right);
  base::ByteView encode_unit();
  BandLayout transform(WindowSequence sequence, std::size_t channels_used);

  // Frames f - 2, f - 1 and f.
  const Frame& frame(std::size_t age) const { return frames_[(newest_ + 3 - age) % 3]; }

  std::array<Frame, 3> frames_;
  std::size_t newest_ = 0;
  std::array<bool, 3> attacks_{};  // of units f - 3, f - 2 and f - 1
  std::size_t taken_ = 0;          // frames; counts to two

  Transform transform_;
  alignas(64) std::array<std::array<float, kLines>, 2> windows_{};
  std::array<Channel, 2> channels_;
  struct {
    std::array<Masks, 2> masks{};  // of the unit before, as measured, when that had a long window
    bool valid = false;
  } before_;
  RateControl rate_;
  BitWriter writer_;
};

}  // namespace aac_encoder
