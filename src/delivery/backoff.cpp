// SPDX-License-Identifier: Apache-2.0
#include "delivery/backoff.hpp"

#include <algorithm>

namespace delivery {

base::Duration Backoff::next() {
  limit_ = limit_.count() == 0 ? options_.first : std::min(limit_ * 2, options_.most);
  const auto half = static_cast<std::uint64_t>(limit_.count()) / 2;
  return limit_ / 2 + base::Duration(static_cast<std::int64_t>(random_.below(half + 1)));
}

}  // namespace delivery
