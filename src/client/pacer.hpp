// SPDX-License-Identifier: Apache-2.0
#pragma once
// When which camera of a shard sends: one timer for all of them, in steps of a millisecond.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "async/shard.hpp"
#include "async/timer.hpp"
#include "base/time.hpp"

namespace client {

// What a pacer calls when its time has come.
class Paced {
 public:
  virtual ~Paced() = default;
  // Sends what is due; the time of the next, kNever when there is none. Must not throw, nor change the pacer.
  virtual base::Instant send_due(base::Instant now) = 0;
  // Before send_due() of many: fetches into the cache what this one looks at then, in kPrefetchSteps steps, each of
  // which reads what the one before it fetched.
  static constexpr int kPrefetchSteps = 7;
  virtual void prefetch(int /*step*/) const {}
};

// Used on its shard by all publishers there.
class Pacer {
 public:
  explicit Pacer(async::Shard& shard);

  // `paced` stays until send_due() has said kNever, or remove(). While the process is told to stop, all are called at
  // once, whatever their time.
  void add(Paced& paced, base::Instant due);
  void remove(Paced& paced);

  // How late frames were: their sum over all calls is what a machine without enough processor time shows.
  struct Stats {
    std::uint64_t calls = 0;
    std::uint64_t late_10ms = 0;  // calls that came more than 10 ms after their time
    base::Duration latest{};
  };
  const Stats& stats() const { return stats_; }

 private:
  struct Entry {
    Paced* paced;
    base::Instant due;
  };
  static constexpr std::size_t kSlots = 128;  // ms; what is due later goes round once more

  void tick();
  void put(Entry entry);
  void call_together(base::Instant now, std::span<const Entry> entries);
  void call(Entry entry, base::Instant now);

  async::Timer timer_;
  std::array<std::vector<Entry>, kSlots> slots_;
  std::vector<Entry> due_;  // scratch of a tick
  std::int64_t position_;   // milliseconds: all slots before it have been called
  std::size_t entries_ = 0;
  Stats stats_;
};

}  // namespace client
