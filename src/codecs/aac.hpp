// SPDX-License-Identifier: Apache-2.0
#pragma once
// What containers say about AAC: the AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace codecs::aac {

inline constexpr std::uint32_t kFrameSamples = 1024;

struct AudioSpecificConfig {
  std::uint8_t object_type = 2;  // 2 = AAC-LC
  std::uint32_t sample_rate = 48000;
  std::uint8_t channels = 2;  // 1..8, as channel configuration 1..7
};

// Two bytes for the rates of the table, five for others.
base::Bytes write_audio_specific_config(const AudioSpecificConfig& config);
// Reads object type, rate and channels; SBR and PS signalling behind them is ignored.
std::optional<AudioSpecificConfig> parse_audio_specific_config(base::ByteView bytes);
// RFC 6381: "mp4a.40.2".
std::string codec_string(const AudioSpecificConfig& config);

struct AdtsHeader {
  AudioSpecificConfig config;
  std::size_t header_size = 7;
  std::size_t frame_size = 0;  // header included
};
// For input that comes with ADTS headers (PutMedia, MPEG-TS), which MP4 and Matroska must not hold.
std::optional<AdtsHeader> parse_adts(base::ByteView bytes);

}  // namespace codecs::aac
