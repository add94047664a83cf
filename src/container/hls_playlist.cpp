// SPDX-License-Identifier: Apache-2.0
#include "container/hls_playlist.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace container {
namespace {

using std::chrono::microseconds;

// RFC 8216 4.3.3.1: every duration, rounded to the nearest integer, is at most the target.
std::int64_t to_target_seconds(const HlsMediaPlaylist& playlist) {
  microseconds longest = playlist.target_duration;
  for (const HlsSegment& segment : playlist.segments) longest = std::max(longest, segment.duration);
  return std::max<std::int64_t>(1, (longest.count() + 500'000) / 1'000'000);
}

}  // namespace

std::string write_hls_master(const HlsMasterPlaylist& playlist) {
  std::string out = "#EXTM3U\n#EXT-X-VERSION:7\n";
  if (!playlist.audio_uri.empty()) {
    out += fmt::format(
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"{}"
        "\"\n",
        playlist.audio_uri);
  }
  out += fmt::format("#EXT-X-STREAM-INF:CODECS=\"{}\"", playlist.codecs);
  if (playlist.width > 0) out += fmt::format(",RESOLUTION={}x{}", playlist.width, playlist.height);
  if (playlist.frame_rate > 0) out += fmt::format(",FRAME-RATE={:.3f}", playlist.frame_rate);
  out += fmt::format(",BANDWIDTH={}", playlist.bandwidth);
  if (!playlist.audio_uri.empty()) out += ",AUDIO=\"audio\"";
  out += fmt::format("\n{}\n", playlist.video_uri);
  return out;
}

std::string write_hls_media(const HlsMediaPlaylist& playlist) {
  std::string out = "#EXTM3U\n#EXT-X-VERSION:7\n";
  if (playlist.on_demand) out += "#EXT-X-PLAYLIST-TYPE:VOD\n";
  out += fmt::format("#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n", to_target_seconds(playlist),
                     playlist.media_sequence);
  if (playlist.discontinuity_sequence > 0) {
    out += fmt::format("#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", playlist.discontinuity_sequence);
  }
  if (playlist.independent) out += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  std::string_view map;
  for (const HlsSegment& segment : playlist.segments) {
    for (int i = 0; i < segment.discontinuities; ++i) out += "#EXT-X-DISCONTINUITY\n";
    if (segment.map_uri != map) {
      map = segment.map_uri;
      out += fmt::format("#EXT-X-MAP:URI=\"{}\"\n", map);
    }
    if (segment.program_date_time) {
      out += fmt::format("#EXT-X-PROGRAM-DATE-TIME:{}\n", base::to_iso8601(*segment.program_date_time));
    }
    const std::int64_t us = segment.duration.count();
    out += fmt::format("#EXTINF:{}.{:06},\n{}\n", us / 1'000'000, us % 1'000'000, segment.uri);
  }
  if (playlist.ended) out += "#EXT-X-ENDLIST\n";
  return out;
}

}  // namespace container
