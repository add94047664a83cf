// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_outcomes.hpp"

#include <algorithm>

namespace sessions {

void DurationCounts::count(base::Duration duration) {
  const double value = std::chrono::duration<double>(duration).count();
  const auto bound = std::ranges::lower_bound(kSecondsBounds, value);
  ++counts[static_cast<std::size_t>(bound - kSecondsBounds.begin())];
  seconds += value;
}

void DurationCounts::add(const DurationCounts& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  seconds += other.seconds;
}

void SessionOutcomes::add(const SessionOutcomes& other) {
  join_to_ice.add(other.join_to_ice);
  join_to_frame.add(other.join_to_frame);
  join_to_durable.add(other.join_to_durable);
  for (std::size_t i = 0; i < ends.size(); ++i) ends[i] += other.ends[i];
}

}  // namespace sessions
