// SPDX-License-Identifier: Apache-2.0
#pragma once
// Opus packets from outside (RFC 6716 section 3) and the OpusHead record (RFC 7845 5.1).

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace codecs::opus {

inline constexpr std::uint32_t kClockRate = 48000;
// RFC 6716 3.4 R5: at most 120 ms.
inline constexpr std::uint32_t kMaxPacketSamples = 5760;

// Samples at 48 kHz that the packet decodes to: 120 to 5760. Nothing when the packet breaks RFC 6716 (empty, no frame
// count, more than 120 ms).
std::optional<std::uint32_t> packet_duration(base::ByteView packet);
// Samples of one frame, from the TOC byte.
std::uint32_t frame_duration(std::uint8_t toc);
// Channels that the TOC byte states: 1 or 2.
std::uint8_t packet_channels(base::ByteView packet);
// A packet of one or two bytes: the encoder is in discontinuous transmission, nothing is heard (RFC 6716 2.1.9).
bool is_dtx(base::ByteView packet);

struct OpusHead {
  std::uint8_t channels = 2;
  std::uint16_t pre_skip = 0;  // samples at 48 kHz
  std::uint32_t input_sample_rate = kClockRate;
  std::int16_t output_gain = 0;
};
// 19 bytes, mapping family 0, little-endian fields: CodecPrivate of A_OPUS in Matroska.
base::Bytes write_opus_head(const OpusHead& head);
// Mapping family 0 only.
std::optional<OpusHead> parse_opus_head(base::ByteView bytes);

}  // namespace codecs::opus
