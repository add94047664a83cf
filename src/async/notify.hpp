// SPDX-License-Identifier: Apache-2.0
#pragma once
// An awaitable condition for tasks of one shard: wait in a loop around the condition, as with a condition variable.

#include <memory>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/time.hpp"

namespace async {

// One shard only; owned by the session whose state it announces. Remembers nothing: a notify_all() without a waiter
// is lost, so check the condition before waiting (no lost wake-up is possible between, for want of a suspension).
class Notify {
 public:
  explicit Notify(Shard& shard);
  ~Notify();
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  void notify_all();
  // Cancellation of the task throws operation_aborted.
  Task<void> wait();
  // False when the time passed first.
  Task<bool> wait_until(base::Instant deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace async
