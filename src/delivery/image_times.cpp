// SPDX-License-Identifier: Apache-2.0
#include "delivery/image_times.hpp"

#include <algorithm>

namespace delivery {
namespace {

using std::chrono::microseconds;

// Fragments do not follow each other to the microsecond, by the server's clock least of all.
constexpr microseconds kBetweenFragments = std::chrono::seconds(1);

// The first multiple of the interval that is not before `time`.
base::WallTime grid_point(base::WallTime time, microseconds interval) {
  const microseconds since = time.time_since_epoch();
  const microseconds past = (since % interval + interval) % interval;
  return past.count() == 0 ? time : time + (interval - past);
}

}  // namespace

std::vector<base::WallTime> image_times(Pace pace, FragmentSpan span, std::chrono::milliseconds step,
                                        std::optional<base::WallTime> last) {
  const microseconds interval = step;
  if (last && *last > span.start + span.duration + interval) last.reset();
  base::WallTime first = span.start;
  if (pace == Pace::Grid) {
    if (last && *last + interval >= span.start - kBetweenFragments) first = std::min(first, *last + interval);
    first = grid_point(first, interval);
    if (last && first <= *last) first = grid_point(*last + microseconds(1), interval);
  } else if (last) {
    first = std::max(first, *last + interval);
  }
  std::vector<base::WallTime> times;
  for (base::WallTime at = first; at < span.start + span.duration; at += interval) times.push_back(at);
  return times;
}

}  // namespace delivery
