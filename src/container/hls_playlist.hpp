// SPDX-License-Identifier: Apache-2.0
#pragma once
// HLS playlists (RFC 8216) as text.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace container {

struct HlsMasterPlaylist {
  std::string codecs;  // "avc1.42E01F,mp4a.40.2"
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  double frame_rate = 0;  // 0: not written
  std::uint64_t bandwidth = 0;
  std::string video_uri;  // or the audio playlist of an audio-only stream
  std::string audio_uri;  // empty: no separate audio rendition
};
std::string write_hls_master(const HlsMasterPlaylist& playlist);

struct HlsSegment {
  std::string uri;
  std::string map_uri{};  // a new EXT-X-MAP is written when it differs from the segment before
  std::chrono::microseconds duration{};
  std::optional<base::WallTime> program_date_time{};
  int discontinuities = 0;  // EXT-X-DISCONTINUITY tags before this segment
};
struct HlsMediaPlaylist {
  bool on_demand = false;   // VOD
  bool ended = false;       // ENDLIST
  bool independent = true;  // every segment can be decoded without the one before
  std::uint64_t media_sequence = 0;
  std::uint64_t discontinuity_sequence = 0;
  std::chrono::microseconds target_duration{};  // at least the longest segment; written to the nearest second
  std::vector<HlsSegment> segments{};
};
std::string write_hls_media(const HlsMediaPlaylist& playlist);

}  // namespace container
