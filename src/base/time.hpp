// SPDX-License-Identifier: Apache-2.0
#pragma once
// Two kinds of time that do not mix: Instant (monotonic, for timers) and WallTime (UTC, for what is stored).
// Neither type can read a clock: time is an argument everywhere below the async room.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

struct MonotonicClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;
using Duration = MonotonicClock::duration;
inline constexpr Instant kNever = Instant::max();

// Microseconds since the Unix epoch, UTC, without leap seconds.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

inline std::int64_t to_microseconds(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime from_microseconds(std::int64_t value) {
  return WallTime(std::chrono::microseconds(value));
}
// Rounds down.
inline std::int64_t to_milliseconds(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

// "2026-11-23T08:11:02.123Z".
std::string to_iso8601(WallTime time);
// "20261123T081102Z", the form of SigV4.
std::string to_basic_iso8601(WallTime time);
// Accepts exactly the form that to_basic_iso8601 writes.
std::optional<WallTime> parse_basic_iso8601(std::string_view text);
// Epoch seconds with up to six decimals ("1795421462.123"), or ISO 8601 in UTC with up to six ("2026-11-23T08:11:02Z").
std::optional<WallTime> parse_time(std::string_view text);
// "Mon, 23 Nov 2026 08:11:02 GMT", the HTTP Date header (RFC 9110 5.6.7).
std::string to_http_date(WallTime time);

}  // namespace base
