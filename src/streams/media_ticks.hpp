// SPDX-License-Identifier: Apache-2.0
#pragma once
// Times as MP4 and DASH count them: whole ticks since 1970, so many a second.

#include <cstdint>

#include "base/time.hpp"

namespace streams {

// `rate`: ticks a second. Rounds down; never overflows for the years that WallTime holds.
inline std::int64_t to_media_ticks(base::WallTime time, std::uint32_t rate) {
  const std::int64_t us = base::to_microseconds(time);
  return us / 1'000'000 * rate + us % 1'000'000 * rate / 1'000'000;
}

}  // namespace streams
