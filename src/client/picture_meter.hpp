// SPDX-License-Identifier: Apache-2.0
#pragma once
// How smoothly pictures come, and how old they are.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "base/time.hpp"

namespace client {

// Freezes as webrtc-stats counts them (freezeCount): a picture that comes max(3 times the mean interval, the mean
// interval + 150 ms) or more after the one before it, the mean being that of the last 30 intervals. A picture is
// "there" when it is whole and in order; a player would smooth that out by its jitter buffer.
class FreezeMeter {
 public:
  void note_picture(base::Instant at);
  std::uint64_t freezes() const { return freezes_; }
  base::Duration frozen() const { return frozen_; }

 private:
  std::optional<base::Instant> last_;
  std::deque<base::Duration> intervals_;
  base::Duration sum_{};
  std::uint64_t freezes_ = 0;
  base::Duration frozen_{};
};

// Ages in whole milliseconds, counted: bounded whatever the time, and easily added up.
class AgeTable {
 public:
  // What is outside of -5 s and 60 s is another clock, not an age: false, and not counted.
  bool note(base::Duration age);
  void add(const AgeTable& other);
  std::uint64_t count() const { return count_; }
  // The age that `share` (0 to 1) of all are not above; nothing without any.
  std::optional<base::Duration> quantile(double share) const;

 private:
  std::map<std::int64_t, std::uint64_t> ages_;
  std::uint64_t count_ = 0;
};

}  // namespace client
