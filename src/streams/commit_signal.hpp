// SPDX-License-Identifier: Apache-2.0
#pragma once
// Wakes tasks of any shard when something happened on any thread.

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "async/task.hpp"
#include "base/time.hpp"

namespace streams {

// Any thread. Remembers nothing: take a ticket, check the condition, then wait with the ticket.
class CommitSignal {
 public:
  CommitSignal();
  ~CommitSignal();

  // Wakes every task whose ticket was taken before.
  void notify_all();

  std::uint64_t ticket() const;
  // Returns at once if notify_all() was called since the ticket was taken. False when the time passed first.
  async::Task<bool> wait(std::uint64_t ticket, base::Instant deadline);

 private:
  struct Waiter;
  struct Registration;
  mutable std::mutex mutex_;
  std::uint64_t notified_ = 0;
  std::vector<std::shared_ptr<Waiter>> waiters_;  // shared with the task that waits
};

}  // namespace streams
