// SPDX-License-Identifier: Apache-2.0
#pragma once
// libopus, always to 48 kHz stereo.

#include <memory>
#include <span>

#include "base/bytes.hpp"

struct OpusDecoder;

namespace streams::opus {

inline constexpr std::size_t kMaxSamples = 5760;  // RFC 6716: a packet is at most 120 ms

// Owned by one rendering of one participant, one thread.
class Decoder {
 public:
  Decoder();

  // Interleaved stereo into `out` (2 * kMaxSamples floats); gives samples per channel, 0 when the packet is broken.
  std::size_t decode(base::ByteView packet, std::span<float> out);
  // Conceals `samples` before `next`: from the redundancy that `next` carries, if any, else by extrapolation.
  // `samples` is a multiple of 120 (2.5 ms) and at most kMaxSamples.
  std::size_t conceal(base::ByteView next, std::size_t samples, std::span<float> out);

 private:
  struct Free {
    void operator()(OpusDecoder* decoder) const;
  };
  std::unique_ptr<OpusDecoder, Free> decoder_;
};

}  // namespace streams::opus
