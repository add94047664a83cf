// SPDX-License-Identifier: Apache-2.0
#pragma once
// How sessions fared, counted: for the metrics.

#include <array>
#include <cstdint>

#include "base/time.hpp"
#include "sessions/session_end.hpp"

namespace sessions {

// Durations by upper bound; not cumulative.
struct DurationCounts {
  static constexpr std::array<double, 9> kSecondsBounds{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

  std::array<std::uint64_t, kSecondsBounds.size() + 1> counts{};  // the last: above all bounds
  double seconds = 0;

  void count(base::Duration duration);
  void add(const DurationCounts& other);
};

struct SessionOutcomes {
  DurationCounts join_to_ice;
  DurationCounts join_to_frame;
  DurationCounts join_to_durable;
  std::array<std::uint64_t, kEndReasonNames.size()> ends{};  // by EndReason

  void add(const SessionOutcomes& other);
};

}  // namespace sessions
