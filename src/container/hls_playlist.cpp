// SPDX-License-Identifier: Apache-2.0
#include "container/hls_playlist.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace container {
namespace {

using std::chrono::microseconds;

std::string seconds_text(microseconds duration) {
  const std::int64_t us = duration.count();
  return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000);
}

// Players stay three parts, or three segments, away from the end (rfc8216bis 4.4.3.8).
void write_server_control(const HlsMediaPlaylist& playlist, std::string& out) {
  const microseconds part = playlist.low_latency->part_target;
  out += fmt::format(
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={},HOLD-BACK={},PART-HOLD-BACK={}\n"
      "#EXT-X-PART-INF:PART-TARGET={}\n",
      playlist.skip_boundary().count(), 3 * playlist.target().count(), seconds_text(3 * part), seconds_text(part));
}

// `map`: the one in force before the segment, then at it.
void write_segment(const HlsSegment& segment, std::string_view& map, std::string& out) {
  for (int i = 0; i < segment.discontinuities; ++i) out += "#EXT-X-DISCONTINUITY\n";
  if (segment.map_uri != map) {
    map = segment.map_uri;
    out += fmt::format("#EXT-X-MAP:URI=\"{}\"\n", map);
  }
  if (segment.program_date_time) {
    out += fmt::format("#EXT-X-PROGRAM-DATE-TIME:{}\n", base::to_iso8601(*segment.program_date_time));
  }
  for (const HlsPart& part : segment.parts) {
    out += fmt::format("#EXT-X-PART:DURATION={},URI=\"{}\"{}\n", seconds_text(part.duration), part.uri,
                       part.independent ? ",INDEPENDENT=YES" : "");
  }
  if (segment.uri.empty()) return;
  if (segment.gap) out += "#EXT-X-GAP\n";
  out += fmt::format("#EXTINF:{},\n{}\n", seconds_text(segment.duration), segment.uri);
}

void write_end(const HlsLowLatency& low_latency, std::string& out) {
  if (!low_latency.preload_hint.empty()) {
    out += fmt::format("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"\n", low_latency.preload_hint);
  }
  for (const HlsReport& report : low_latency.reports) {
    out += fmt::format("#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}", report.uri, report.last_msn);
    if (report.last_part) out += fmt::format(",LAST-PART={}", *report.last_part);
    out += "\n";
  }
}

}  // namespace

// RFC 8216 4.3.3.1: every duration, rounded to the nearest integer, is at most the target.
std::chrono::seconds HlsMediaPlaylist::target() const {
  microseconds longest = target_duration;
  for (const HlsSegment& segment : segments) longest = std::max(longest, segment.duration);
  return std::chrono::seconds(std::max<std::int64_t>(1, (longest.count() + 500'000) / 1'000'000));
}

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
  // 9: EXT-X-SKIP (rfc8216bis 8).
  std::string out = fmt::format("#EXTM3U\n#EXT-X-VERSION:{}\n", playlist.low_latency ? 9 : 7);
  if (playlist.on_demand) out += "#EXT-X-PLAYLIST-TYPE:VOD\n";
  out += fmt::format("#EXT-X-TARGETDURATION:{}\n", playlist.target().count());
  if (playlist.low_latency) write_server_control(playlist, out);
  out += fmt::format("#EXT-X-MEDIA-SEQUENCE:{}\n", playlist.media_sequence);
  if (playlist.discontinuity_sequence > 0) {
    out += fmt::format("#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", playlist.discontinuity_sequence);
  }
  if (playlist.independent) out += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  const std::size_t skipped = playlist.low_latency ? playlist.low_latency->skipped : 0;
  if (skipped > 0) out += fmt::format("#EXT-X-SKIP:SKIPPED-SEGMENTS={}\n", skipped);
  std::string_view map;
  for (std::size_t i = skipped; i < playlist.segments.size(); ++i) write_segment(playlist.segments[i], map, out);
  if (playlist.low_latency) write_end(*playlist.low_latency, out);
  if (playlist.ended) out += "#EXT-X-ENDLIST\n";
  return out;
}

}  // namespace container
