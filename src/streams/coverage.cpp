// SPDX-License-Identifier: Apache-2.0
#include "streams/coverage.hpp"

#include <algorithm>

namespace streams {

void CoverageWalk::begin(const StoredFragment& first) {
  const base::WallTime start = first.header.producer_time;
  if (first.header.gap_before) add_gap(first, from_);
  if (start < to_) start_ = std::max(start, from_);
}

bool CoverageWalk::pass(const StoredFragment& fragment) {
  const base::WallTime start = fragment.header.producer_time;
  const Gap& gap = *fragment.header.gap_before;
  const base::WallTime before = range_start();
  if (start_ && gap.from < to_) close_range(gap.from);
  add_gap(fragment, before);
  if (start >= to_) return false;
  start_ = std::max(start, before);
  return true;
}

void CoverageWalk::finish(const StoredFragment& last) {
  if (start_) close_range(producer_end(last));
}

void CoverageWalk::add_open_gap(const StoredFragment& last, base::WallTime now) {
  const base::WallTime start = std::max(producer_end(last), from_);
  const base::WallTime end = std::min(now, to_);
  if (last.header.ended_by && start < end) coverage_.gaps.push_back({start, end, *last.header.ended_by, true});
}

void CoverageWalk::add_gap(const StoredFragment& fragment, base::WallTime not_before) {
  const Gap& gap = *fragment.header.gap_before;
  const base::WallTime start = std::max(gap.from, not_before);
  const base::WallTime end = std::min({gap.to, fragment.header.producer_time, to_});
  if (start < end) coverage_.gaps.push_back({start, end, gap.reason, false});
}

void CoverageWalk::close_range(base::WallTime end) {
  end = std::min(end, to_);
  if (*start_ < end) coverage_.ranges.push_back({*start_, end});
  start_.reset();
}

}  // namespace streams
