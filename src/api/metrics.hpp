// SPDX-License-Identifier: Apache-2.0
#pragma once
// Counters of the front door: one slot per operation row, plain atomics, so any shard counts without a lock.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "aws/operation.hpp"
#include "base/time.hpp"

namespace api {

class Metrics {
 public:
  Metrics();

  void count(const aws::Operation& operation, int status, base::Duration took);
  // Requests that reached no operation: unknown paths, preflights, routes.
  void count_other(int status);
  void count_signature_failure() { signature_failures_.fetch_add(1, std::memory_order_relaxed); }

  std::uint64_t requests(const aws::Operation& operation) const;
  // Prometheus text format. Operations that were never called are left out.
  std::string text() const;

 private:
  using Counter = std::atomic<std::uint64_t>;
  static constexpr std::size_t kClasses = 5;  // 2xx (and 101), 3xx, 4xx, 5xx; index is status / 100 - 1
  static constexpr std::array<double, 8> kSecondsBounds{0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30};
  struct Slot {
    std::array<Counter, kClasses> by_class{};
    std::array<Counter, kSecondsBounds.size() + 1> by_time{};
    Counter microseconds{0};
  };
  Slot& slot(const aws::Operation& operation) const;

  std::unique_ptr<Slot[]> slots_;
  std::array<Counter, kClasses> other_{};
  Counter signature_failures_{0};
};

}  // namespace api
