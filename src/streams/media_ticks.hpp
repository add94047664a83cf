// SPDX-License-Identifier: Apache-2.0
#pragma once
// Times as MP4 and DASH count them: whole ticks since 1970, so many a second.

#include <cstdint>

#include "base/time.hpp"

namespace streams {

// `rate`: ticks a second. Rounds down, but for one thing; never overflows for the years that WallTime holds.
//
// Players that use Media Source Extensions begin at 0 by a timestampOffset of -ticks/rate, a double, of which the
// browser makes whole microseconds; and it makes whole ones, rounded down, of the ticks. Where ticks/rate lies right
// below a microsecond the double is rounded up to it: the picture is at -1 us then, and Chromium throws away what
// begins before 0, a whole group of pictures. So a time is never in the last quarter of a microsecond: that of the next
// tick is taken, 11 us later at 90 kHz.
inline std::int64_t to_media_ticks(base::WallTime time, std::uint32_t rate) {
  constexpr std::int64_t second = 1'000'000;
  const std::int64_t us = base::to_microseconds(time);
  std::int64_t ticks = us / second * rate + us % second * rate / second;
  while (ticks % rate * second % rate * 4 >= std::int64_t{rate} * 3) ++ticks;
  return ticks;
}

}  // namespace streams
