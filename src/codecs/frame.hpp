// SPDX-License-Identifier: Apache-2.0
#pragma once
// A frame as every room above hands it on: one coded picture or one coded piece of sound.

#include <cstdint>

#include "base/bytes.hpp"

namespace codecs {

enum class CodecId : std::uint8_t { H264, Opus, Aac };
enum class MediaKind : std::uint8_t { Video, Audio };

constexpr MediaKind kind_of(CodecId codec) {
  return codec == CodecId::H264 ? MediaKind::Video : MediaKind::Audio;
}

// H264: one access unit; each NAL unit, as received and bit for bit (AUD, SEI, SPS, PPS included), follows its own
// 4-byte big-endian length. Opus: one packet. Aac: one raw_data_block without ADTS header.
struct Frame {
  CodecId codec = CodecId::H264;
  bool key_frame = false;  // H264: a random access point (h264_recovery_point.hpp). Opus and Aac: always true.
  base::Bytes payload;
};

}  // namespace codecs
