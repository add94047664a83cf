// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prefetch.hpp"
#include "base/time.hpp"

namespace sessions {

// One deadline for each of many rows, on a wheel of steps: moving one costs next to nothing, and all that fall into one
// step come together. A deadline is never early, and late by one step at most.
//
// A deadline that moves further away leaves its row where it is: the row is looked at too early and put where it
// belongs by then. One that lies beyond the wheel waits in its last step in the same way.
class DeadlineWheel {
 public:
  static constexpr base::Duration kStep = std::chrono::milliseconds(4);
  static constexpr std::int64_t kSteps = 512;

  // kNever: none. False if it is the same as before. Rows are small numbers; there is memory for the largest one used.
  bool set(std::uint32_t row, base::Instant deadline);
  // What set() looks at.
  void prefetch(std::uint32_t row) const {
    if (row < rows_.size()) base::prefetch(&rows_[row]);
  }
  // Appends the rows whose deadlines have come; they have none from then on.
  void take_due(base::Instant now, std::vector<std::uint32_t>& due);
  // When to call take_due() next; kNever if there is nothing to wait for.
  base::Instant next_wake() const;

 private:
  static constexpr std::int64_t kNowhere = -1;
  struct Row {
    base::Instant deadline = base::kNever;
    std::int64_t step = kNowhere;  // where it waits; other entries of it are out of date
  };
  void place(std::uint32_t row);
  std::vector<std::uint32_t>& slot(std::int64_t step) { return slots_[static_cast<std::size_t>(step % kSteps)]; }

  std::vector<Row> rows_;
  std::array<std::vector<std::uint32_t>, static_cast<std::size_t>(kSteps)> slots_;
  std::vector<std::uint32_t> taken_;  // reused
  std::int64_t current_ = 0;          // the first step that was not taken yet
};

}  // namespace sessions
