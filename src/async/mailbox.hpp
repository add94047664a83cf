// SPDX-License-Identifier: Apache-2.0
#pragma once
// A bounded queue into a shard: many producers on any thread, one consuming task.

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "async/notify.hpp"
#include "async/shard.hpp"
#include "async/task.hpp"

namespace async {

namespace detail {

// The wake-up half of a Mailbox; outlives the box while a wake-up is under way.
class MailboxBell {
 public:
  explicit MailboxBell(Shard& consumer);
  ~MailboxBell();
  void ring();  // any thread
  Task<void> wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace detail

// Owned by the consumer, which lives on the shard given. Producers keep it alive by shared_ptr, or end before it.
template <class T>
class Mailbox {
 public:
  Mailbox(Shard& consumer, std::size_t capacity) : bell_(consumer), capacity_(capacity) {}

  // From any thread. False when full or closed: the producer applies its own policy (drop, slow down, fail).
  bool try_push(T item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || queue_.size() >= capacity_) return false;
      queue_.push_back(std::move(item));
      if (queue_.size() > 1) return true;  // the consumer has been woken for the first one
    }
    bell_.ring();
    return true;
  }

  // On the consumer's shard. Nothing when closed and empty.
  Task<std::optional<T>> pop() {
    for (;;) {
      if (auto item = try_pop()) co_return item;
      if (is_closed()) co_return std::nullopt;
      co_await bell_.wait();
    }
  }

  std::optional<T> try_pop() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    std::optional<T> item(std::move(queue_.front()));
    queue_.pop_front();
    return item;
  }

  // From any thread. What was pushed before is still delivered.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    bell_.ring();
  }
  bool is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_ && queue_.empty();
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  detail::MailboxBell bell_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<T> queue_;
  bool closed_ = false;
};

}  // namespace async
