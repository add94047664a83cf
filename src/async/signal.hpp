// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the async room: resuming one task of a shard, once, from any thread.

#include <exception>
#include <memory>

#include "async/shard.hpp"
#include "async/task.hpp"

namespace async::detail {

struct PendingResult;

// The far end. Whoever holds it fires it once; one that is dropped unfired gives the waiter operation_aborted, so a
// waiter never hangs on work that was thrown away.
class Signal {
 public:
  Signal(Signal&& other) noexcept = default;
  Signal& operator=(Signal&&) = delete;
  ~Signal();
  void fire(std::exception_ptr error);

 private:
  friend class SignalWait;
  Signal(std::weak_ptr<Loop> loop, std::shared_ptr<PendingResult> result);
  std::weak_ptr<Loop> loop_;
  std::shared_ptr<PendingResult> result_;
};

// The near end: made on a shard by the task that then waits.
class SignalWait {
 public:
  SignalWait();
  Signal make_signal();  // once
  // Not interrupted by cancellation. Throws what the signal carried.
  Task<void> wait();

 private:
  std::shared_ptr<PendingResult> result_;
};

}  // namespace async::detail
