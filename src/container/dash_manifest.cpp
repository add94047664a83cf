// SPDX-License-Identifier: Apache-2.0
#include "container/dash_manifest.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace container {
namespace {

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string to_duration(std::chrono::microseconds span) {
  return fmt::format("PT{}.{:06}S", span.count() / 1'000'000, span.count() % 1'000'000);
}

void write_segments(std::string& out, const DashTrack& track) {
  out += "          <SegmentTimeline>\n";
  for (const DashSegment& segment : track.segments) {
    fmt::format_to(std::back_inserter(out), "            <S t=\"{}\" d=\"{}\"", segment.time, segment.duration);
    if (!segment.timestamp.empty()) fmt::format_to(std::back_inserter(out), " kvs:ts=\"{}\"", segment.timestamp);
    if (!segment.fragment_number.empty())
      fmt::format_to(std::back_inserter(out), " kvs:fn=\"{}\"", segment.fragment_number);
    out += "/>\n";
  }
  out += "          </SegmentTimeline>\n";
}

void write_track(std::string& out, const DashTrack& track, int id) {
  const std::string_view kind = track.is_video ? "video" : "audio";
  fmt::format_to(std::back_inserter(out),
                 "    <AdaptationSet id=\"{0}\" contentType=\"{1}\" mimeType=\"{1}/mp4\" segmentAlignment=\"true\" "
                 "startWithSAP=\"1\">\n"
                 "      <Representation id=\"{0}\" codecs=\"{2}\" bandwidth=\"{3}\"",
                 id, kind, track.codecs, track.bandwidth);
  if (track.width > 0)
    fmt::format_to(std::back_inserter(out), " width=\"{}\" height=\"{}\"", track.width, track.height);
  if (track.sample_rate > 0) fmt::format_to(std::back_inserter(out), " audioSamplingRate=\"{}\"", track.sample_rate);
  fmt::format_to(std::back_inserter(out),
                 ">\n        <SegmentTemplate timescale=\"{}\" presentationTimeOffset=\"{}\" initialization=\"{}\" "
                 "media=\"{}\">\n",
                 track.timescale, track.media_start, escape(track.init_uri), escape(track.media_uri));
  write_segments(out, track);
  out += "        </SegmentTemplate>\n      </Representation>\n    </AdaptationSet>\n";
}

void write_head(std::string& out, const DashManifest& manifest) {
  out +=
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" xmlns:kvs=\"urn:tidegate:kvs\" "
      "profiles=\"urn:mpeg:dash:profile:isoff-live:2011\"";
  if (manifest.live) {
    fmt::format_to(std::back_inserter(out),
                   " type=\"dynamic\" availabilityStartTime=\"{}\" publishTime=\"{}\" timeShiftBufferDepth=\"{}\" "
                   "suggestedPresentationDelay=\"{}\" minimumUpdatePeriod=\"{}\"",
                   base::to_iso8601(manifest.live->availability_start), base::to_iso8601(manifest.live->published),
                   to_duration(manifest.live->buffer_depth), to_duration(manifest.live->delay),
                   to_duration(manifest.live->update_period));
  } else {
    out += " type=\"static\"";
  }
  if (manifest.duration.count() > 0) {
    fmt::format_to(std::back_inserter(out), " mediaPresentationDuration=\"{}\"", to_duration(manifest.duration));
  }
  fmt::format_to(std::back_inserter(out), " maxSegmentDuration=\"{0}\" minBufferTime=\"{0}\">\n",
                 to_duration(manifest.longest_segment));
}

}  // namespace

std::string write_dash_manifest(const DashManifest& manifest) {
  std::string out;
  write_head(out, manifest);
  for (const DashPeriod& period : manifest.periods) {
    fmt::format_to(std::back_inserter(out), "  <Period id=\"{}\" start=\"{}\"", period.id, to_duration(period.start));
    if (period.duration) fmt::format_to(std::back_inserter(out), " duration=\"{}\"", to_duration(*period.duration));
    out += ">\n";
    int id = 1;
    for (const DashTrack& track : period.tracks) write_track(out, track, id++);
    out += "  </Period>\n";
  }
  if (manifest.live) {  // players without it ask servers of their makers for the time
    fmt::format_to(std::back_inserter(out),
                   "  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"{}\"/>\n",
                   base::to_iso8601(manifest.live->published));
  }
  out += "</MPD>\n";
  return out;
}

}  // namespace container
