// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.hpp"

namespace impairments {

// The server's wall clock at Instant zero; certificates are made then.
inline constexpr base::WallTime kToday = base::WallTime(std::chrono::seconds(1'795'000'000));

inline base::WallTime server_wall(base::Instant now) {
  return kToday + std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch());
}

}  // namespace impairments
