// SPDX-License-Identifier: Apache-2.0
#pragma once
// One sum of voices on its way to those who hear it: limiter and encoder.

#include <span>

#include "conference/codec.hpp"
#include "conference/limiter.hpp"

namespace conference {

class MixOutput {
 public:
  explicit MixOutput(int bitrate, int complexity) : encoder_(bitrate, complexity) {}

  // Takes what listeners heard before the first frame, whole frames, so that this begins in the middle of them, not
  // after silence.
  void prime(std::span<const float> before);
  // `independent`: somebody listens whose decoder heard something else before.
  SharedPayload encode(std::span<const float, kFrameSamples> sum, bool independent);

 private:
  Limiter limiter_;
  Encoder encoder_;
};

}  // namespace conference
