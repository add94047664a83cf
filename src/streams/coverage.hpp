// SPDX-License-Identifier: Apache-2.0
#pragma once
// What of a stream is recorded and what is missing, as the fragments themselves say it (gap_before, ended_by).
// Fragments that follow each other without a stated gap are one range; nothing is guessed from their times.

#include <optional>
#include <string>
#include <vector>

#include "streams/fragment.hpp"

namespace streams {

struct CoverageQuery {
  // The window [from, to) on the producer's time axis; none means unbounded.
  std::optional<base::WallTime> from;
  std::optional<base::WallTime> to;
  std::size_t limit = 1000;  // gaps in one answer
  std::string token;         // of the answer before; takes the place of from and to
};

struct CoverageRange {
  base::WallTime start;
  base::WallTime end;
  friend bool operator==(const CoverageRange&, const CoverageRange&) = default;
};

struct CoverageGap {
  base::WallTime start;
  base::WallTime end;
  GapReason reason = GapReason::PublisherLeft;
  bool is_open = false;  // the recording has paused and not gone on: it ends now
  friend bool operator==(const CoverageGap&, const CoverageGap&) = default;
};

// Both lists ascend; nothing in them overlaps, and everything is cut at the window.
struct Coverage {
  std::vector<CoverageRange> ranges;
  std::vector<CoverageGap> gaps;
  bool is_live = false;    // a fragment came within the last 30 s, and the recording has not said that it pauses
  std::string next_token;  // empty: that was all
};

// Walks the fragments that matter in order: the first that reaches into the window, those with a gap before them, and
// the last. So its cost is that of the gaps.
class CoverageWalk {
 public:
  CoverageWalk(base::WallTime from, base::WallTime to) : from_(from), to_(to) {}

  // The first fragment that ends after the window's start.
  void begin(const StoredFragment& first);
  // A later fragment with a gap before it. False once the window's end is reached.
  bool pass(const StoredFragment& fragment);
  // The last fragment that starts before the window's end.
  void finish(const StoredFragment& last);
  // The recording paused after `last` and nothing has come since.
  void add_open_gap(const StoredFragment& last, base::WallTime now);

  std::size_t gap_count() const { return coverage_.gaps.size(); }
  // Where the range that is not finished began.
  base::WallTime range_start() const { return start_.value_or(from_); }
  Coverage take() { return std::move(coverage_); }

 private:
  void add_gap(const StoredFragment& fragment, base::WallTime not_before);
  void close_range(base::WallTime end);

  base::WallTime from_;
  base::WallTime to_;
  std::optional<base::WallTime> start_;  // of the range that is not finished
  Coverage coverage_;
};

}  // namespace streams
