// SPDX-License-Identifier: Apache-2.0
#pragma once
// libopus, for one voice and one channel.

#include <cstddef>
#include <memory>
#include <span>

#include "base/bytes.hpp"
#include "conference/audio_packet.hpp"

struct OpusDecoder;
struct OpusEncoder;

namespace conference {

// Samples at 48 kHz, mono (stereo packets come out as the mean of both), full scale +-1; may go beyond.
class Decoder {
 public:
  static constexpr std::size_t kMaxSamples = 5760;  // 120 ms

  Decoder();
  // Samples written to the front of `out`, which holds kMaxSamples; 0 when the packet is broken.
  std::size_t decode(base::ByteView packet, std::span<float> out);
  // What is lost, `out.size()` samples, a multiple of 120 up to kMaxSamples, right before `next`: from its in-band FEC
  // if it has it, otherwise (or with an empty `next`) concealed. False when libopus refuses.
  bool conceal(base::ByteView next, std::span<float> out);

 private:
  struct Free {
    void operator()(OpusDecoder* decoder) const;
  };
  std::unique_ptr<OpusDecoder, Free> decoder_;
};

// Frames of 20 ms, CELT only: what goes in comes out kLookahead samples later.
class Encoder {
 public:
  static constexpr std::size_t kLookahead = 120;

  Encoder(int bitrate, int complexity);
  // `independent`: decodes well whatever the decoder heard before.
  SharedPayload encode(std::span<const float, kFrameSamples> samples, bool independent);

 private:
  struct Free {
    void operator()(OpusEncoder* encoder) const;
  };
  std::unique_ptr<OpusEncoder, Free> encoder_;
};

}  // namespace conference
