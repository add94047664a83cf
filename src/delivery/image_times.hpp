// SPDX-License-Identifier: Apache-2.0
#pragma once
// When in a fragment images are taken. Pure.

#include <chrono>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace delivery {

enum class Pace : std::uint8_t {
  // Whole multiples of the interval since 1970 (UTC): what a stream is sampled by, whatever its fragments are.
  Grid,
  // From the fragment's start on, and not sooner than an interval after the image before: what a tag asks for.
  SinceLast,
};

struct FragmentSpan {
  base::WallTime start;
  std::chrono::microseconds duration{};
};

// Ascending. `last` is the time of the stream's image before; one that lies more than an interval in the future
// (a clock went back) does not count. On the grid a point that fell between two fragments belongs to the later one.
std::vector<base::WallTime> image_times(Pace pace, FragmentSpan span, std::chrono::milliseconds interval,
                                        std::optional<base::WallTime> last);

}  // namespace delivery
