// SPDX-License-Identifier: Apache-2.0
#pragma once
// Fragmented MP4 (ISO/IEC 14496-12, 14496-15): one initialisation segment per track, one media segment per fragment.

#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "container/matroska.hpp"

namespace container {

inline constexpr std::uint32_t kVideoTimescale = 90'000;
inline constexpr std::uint32_t kAudioTimescale = 48'000;

struct Mp4Sample {
  std::uint32_t duration = 0;           // in the track's timescale
  std::int32_t composition_offset = 0;  // presentation minus decode time; may be negative (trun version 1)
  bool key_frame = false;
  base::ByteView payload;
};

// `track` is H.264 (codec_private is avcC), H.265 (hvcC) or AAC (AudioSpecificConfig).
base::Bytes write_mp4_init(const Track& track, std::uint32_t timescale);

// styp, moof and mdat of one track. `decode_time` is the 64-bit time of the first sample.
base::Bytes write_mp4_segment(std::uint32_t track_number, std::uint32_t sequence, std::uint64_t decode_time,
                              std::span<const Mp4Sample> samples);

}  // namespace container
