// SPDX-License-Identifier: Apache-2.0
#pragma once
// Clients know the times of fragments in whole milliseconds, rounded down, and give them back as the bounds of a range
// that includes both.

#include <chrono>

#include "base/time.hpp"

namespace api {

inline base::WallTime to_shown_time(base::WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time);
}

// The last instant that is shown as `bound` is. A bound that is finer than that means itself.
inline base::WallTime to_inclusive_end(base::WallTime bound) {
  if (bound != to_shown_time(bound)) return bound;
  return bound + std::chrono::milliseconds(1) - std::chrono::microseconds(1);
}

}  // namespace api
