// SPDX-License-Identifier: Apache-2.0
#pragma once
// The MPD of a DASH presentation (ISO/IEC 23009-1) with one SegmentTimeline a track. A pure writer: what the values are
// is the caller's business. Times in ticks must stay below 10^15: dash.js rounds them to 15 digits, and then finds no
// segment at the start of a Period.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace container {

struct DashSegment {
  std::int64_t time = 0;  // on the media's timeline, in ticks of the track
  std::int64_t duration = 0;
  std::string timestamp{};        // kvs:ts; empty: not shown
  std::string fragment_number{};  // kvs:fn; empty: not shown
};

struct DashTrack {
  bool is_video = false;
  std::string codecs{};  // "avc1.42E01F"
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t sample_rate = 0;
  std::uint64_t bandwidth = 0;  // bits a second
  std::string init_uri{};
  std::string media_uri{};       // with $Time$ where a segment's time in ticks belongs
  std::uint32_t timescale = 1;   // ticks a second
  std::int64_t media_start = 0;  // what on the media's timeline the start of the Period is, in ticks
  std::vector<DashSegment> segments{};
};

struct DashPeriod {
  std::string id{};
  std::chrono::microseconds start{};                    // in the presentation
  std::optional<std::chrono::microseconds> duration{};  // none: it may go on
  std::vector<DashTrack> tracks{};
};

// A presentation that grows.
struct DashLive {
  base::WallTime availability_start{};
  base::WallTime published{};
  std::chrono::microseconds update_period{};
  std::chrono::microseconds buffer_depth{};
  std::chrono::microseconds delay{};  // behind the live end, that players should keep
};

struct DashManifest {
  std::optional<DashLive> live{};        // none: static
  std::chrono::microseconds duration{};  // zero: not known yet
  std::chrono::microseconds longest_segment{};
  std::vector<DashPeriod> periods{};
};
std::string write_dash_manifest(const DashManifest& manifest);

}  // namespace container
