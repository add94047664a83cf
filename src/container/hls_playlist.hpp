// SPDX-License-Identifier: Apache-2.0
#pragma once
// HLS playlists as text: RFC 8216, and the low-latency tags of its successor, draft-pantos-hls-rfc8216bis.

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

// EXT-X-PART
struct HlsPart {
  std::string uri;
  std::chrono::microseconds duration{};
  bool independent = false;
};

struct HlsSegment {
  std::string uri;        // empty: not there yet, only its first parts are
  std::string map_uri{};  // a new EXT-X-MAP is written when it differs from the segment before; MPEG-TS has none
  std::chrono::microseconds duration{};
  std::optional<base::WallTime> program_date_time{};
  int discontinuities = 0;  // EXT-X-DISCONTINUITY tags before this segment
  bool gap = false;         // EXT-X-GAP: its media does not exist
  std::vector<HlsPart> parts{};
};

// EXT-X-RENDITION-REPORT
struct HlsReport {
  std::string uri;
  std::uint64_t last_msn = 0;
  std::optional<std::uint64_t> last_part{};  // none: the segment is whole and shown without parts
};

struct HlsLowLatency {
  std::chrono::microseconds part_target{};
  std::string preload_hint{};  // empty: none
  std::vector<HlsReport> reports{};
  std::size_t skipped = 0;  // of the first segments, which a delta update leaves out
};

struct HlsMediaPlaylist {
  bool on_demand = false;   // VOD
  bool ended = false;       // ENDLIST
  bool independent = true;  // every segment can be decoded without the one before
  std::uint64_t media_sequence = 0;
  std::uint64_t discontinuity_sequence = 0;
  std::chrono::microseconds target_duration{};  // at least the longest segment; written to the nearest second
  std::vector<HlsSegment> segments{};
  std::optional<HlsLowLatency> low_latency{};

  // As it is written.
  std::chrono::seconds target() const;
  // CAN-SKIP-UNTIL: what is further from the end than this may be left out of a delta update.
  std::chrono::seconds skip_boundary() const { return 6 * target(); }
};
std::string write_hls_media(const HlsMediaPlaylist& playlist);

}  // namespace container
