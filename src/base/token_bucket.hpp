// SPDX-License-Identifier: Apache-2.0
#pragma once
// How often something may happen: a token bucket that holds one second's worth (as the generic cell rate algorithm of
// ITU-T I.371, which needs one number). Pure; the owner keeps time and lock.

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace base {

class TokenBucket {
 public:
  // True, and taken, if `cost` more fit in. What costs more than a second's worth fits into a full bucket, and is paid
  // for afterwards. A `per_second` of 0 is no limit; it may change from call to call.
  bool take(Instant now, std::uint64_t per_second, std::uint64_t cost = 1) {
    if (per_second == 0) return true;
    const Instant from = std::max(paid_until_, now);
    const Duration price = time_of(per_second, cost);
    if (from + std::min<Duration>(price, std::chrono::seconds(1)) - now > std::chrono::seconds(1)) return false;
    paid_until_ = from + price;
    return true;
  }

  // Takes in any case, and says how long to wait until that was within the limit: for pacing bytes.
  Duration reserve(Instant now, std::uint64_t per_second, std::uint64_t cost) {
    if (per_second == 0) return Duration::zero();
    paid_until_ = std::max(paid_until_, now) + time_of(per_second, cost);
    return std::max(Duration::zero(), Duration(paid_until_ - now - std::chrono::seconds(1)));
  }

  // Nothing of it is used: it may be forgotten.
  bool is_full(Instant now) const { return paid_until_ <= now; }

 private:
  static Duration time_of(std::uint64_t per_second, std::uint64_t cost) {
    return Duration(static_cast<std::int64_t>(1e9 * static_cast<double>(cost) / static_cast<double>(per_second)));
  }

  Instant paid_until_{};
};

}  // namespace base
