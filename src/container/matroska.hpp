// SPDX-License-Identifier: Apache-2.0
#pragma once
// The words of a Matroska document of this project: tracks, frames, tags. docs/formats/fragment.md has every byte.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace container {

inline constexpr std::string_view kCodecAvc = "V_MPEG4/ISO/AVC";
inline constexpr std::string_view kCodecHevc = "V_MPEGH/ISO/HEVC";
inline constexpr std::string_view kCodecOpus = "A_OPUS";
inline constexpr std::string_view kCodecAac = "A_AAC";

// One track entry. A video track fills width and height, an audio track sample_rate and channels.
struct Track {
  std::uint32_t number = 0;   // 1..126: the block header keeps it in one byte
  std::string codec_id;       // one of the names above when we write; anything when we parsed a producer's document
  std::string name;           // the participant's client id, empty for the master
  base::Bytes codec_private;  // avcC, OpusHead or AudioSpecificConfig
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t sample_rate = 0;
  std::uint32_t channels = 0;
  std::uint64_t default_duration_ns = 0;  // of one frame, where a producer says so

  bool is_video() const { return codec_id.starts_with("V_"); }
  bool is_audio() const { return codec_id.starts_with("A_"); }
  bool operator==(const Track&) const = default;
};

// A name with a text value. Names that start with TIDEGATE_ are ours, AWS_KINESISVIDEO_ are the contract's.
struct Tag {
  std::string name;
  std::string value;
  bool operator==(const Tag&) const = default;
};

Track make_avc_track(std::uint32_t number, base::ByteView avcc, std::uint32_t width, std::uint32_t height);
// `opus_head` is the 19-byte identification header (RFC 7845 5.1); empty makes the one of a WebRTC sender
// (two channels, 48 kHz, 312 samples of pre-skip).
Track make_opus_track(std::uint32_t number, std::string_view client_id, base::ByteView opus_head = {});
Track make_aac_track(std::uint32_t number, base::ByteView audio_specific_config, std::uint32_t sample_rate,
                     std::uint32_t channels);

}  // namespace container
