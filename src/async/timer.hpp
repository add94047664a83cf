// SPDX-License-Identifier: Apache-2.0
#pragma once
// Waiting for time, on the shard of the caller.

#include <functional>
#include <memory>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/time.hpp"

namespace async {

// Both end early, with operation_aborted, when the task is cancelled.
Task<void> sleep_until(base::Instant when);
Task<void> sleep_for(base::Duration duration);
// Lets everything that is ready on this shard run first.
Task<void> yield();

// Which times a timer keeps. Coarse ones fire together, at most kCoarseStep late: where a thousand sessions wait for
// something, a wake-up for each costs more than what is done then.
enum class Precision { Exact, Coarse };
inline constexpr base::Duration kCoarseStep = std::chrono::milliseconds(10);

// Calls back once at a time that may be moved. One shard; owned by a session; destroying it cancels.
class Timer {
 public:
  // `fire` runs on `shard`, never from within arm(); it may arm again. Exceptions are fenced as in Shard::post.
  Timer(Shard& shard, std::move_only_function<void()> fire, Precision precision = Precision::Exact);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces the time set before; kNever disarms. Moving to a later time costs next to nothing.
  void arm(base::Instant when);
  void disarm() { arm(base::kNever); }

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace async
