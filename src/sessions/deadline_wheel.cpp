// SPDX-License-Identifier: Apache-2.0
#include "sessions/deadline_wheel.hpp"

#include <algorithm>

namespace sessions {
namespace {

// The step in whose beginning a deadline has come.
std::int64_t step_after(base::Instant deadline) {
  const std::int64_t steps = deadline.time_since_epoch() / DeadlineWheel::kStep;
  return deadline.time_since_epoch() % DeadlineWheel::kStep == base::Duration::zero() ? steps : steps + 1;
}

}  // namespace

bool DeadlineWheel::set(std::uint32_t row, base::Instant deadline) {
  if (row >= rows_.size()) rows_.resize(row + 1);
  if (rows_[row].deadline == deadline) return false;
  rows_[row].deadline = deadline;
  if (deadline != base::kNever) place(row);
  return true;
}

void DeadlineWheel::place(std::uint32_t row) {
  Row& r = rows_[row];
  const std::int64_t step = std::clamp(step_after(r.deadline), current_, current_ + kSteps - 1);
  if (r.step != kNowhere && r.step <= step) return;
  r.step = step;
  slot(step).push_back(row);
}

void DeadlineWheel::take_due(base::Instant now, std::vector<std::uint32_t>& due) {
  const std::int64_t last = now.time_since_epoch() / kStep;
  const std::int64_t end = std::min(last + 1, current_ + kSteps);  // once around is everything
  for (std::int64_t step = current_; step < end; ++step) {
    for (const std::uint32_t row : slot(step)) {
      if (rows_[row].step != step) continue;
      rows_[row].step = kNowhere;
      taken_.push_back(row);
    }
    slot(step).clear();
  }
  current_ = std::max(current_, last + 1);
  for (const std::uint32_t row : taken_) {
    if (rows_[row].deadline <= now) {
      rows_[row].deadline = base::kNever;
      due.push_back(row);
    } else if (rows_[row].deadline != base::kNever) {
      place(row);
    }
  }
  taken_.clear();
}

base::Instant DeadlineWheel::next_wake() const {
  for (std::int64_t step = current_; step < current_ + kSteps; ++step) {
    if (!slots_[static_cast<std::size_t>(step % kSteps)].empty()) return base::Instant(step * kStep);
  }
  return base::kNever;
}

}  // namespace sessions
