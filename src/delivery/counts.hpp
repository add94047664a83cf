// SPDX-License-Identifier: Apache-2.0
#pragma once
// What deliveries count. Written by the delivery shard, read by any thread.

#include <atomic>
#include <cstdint>

namespace delivery {

struct Counts {
  std::atomic<std::uint64_t> sent = 0;       // images put, notifications accepted
  std::atomic<std::uint64_t> failures = 0;   // attempts that failed and are tried again
  std::atomic<std::uint64_t> skipped = 0;    // fragments given up: older than they may be, or gone
  std::atomic<std::uint64_t> unusable = 0;   // images that could not be made of what was recorded
  std::atomic<std::uint64_t> following = 0;  // streams followed now
  std::atomic<std::uint64_t> failing = 0;    // of them, those whose last attempt failed
};

}  // namespace delivery
