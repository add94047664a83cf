// SPDX-License-Identifier: Apache-2.0
#pragma once
// One thread with one event loop. A session lives on one shard for life and needs no lock; other shards reach it
// by call() or by a Mailbox.

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "async/task.hpp"
#include "base/time.hpp"

namespace async {

namespace detail {
struct Loop;
struct TaskState;
}  // namespace detail

// The clocks of this machine. Everything below the async room gets time as an argument instead.
base::Instant now();
base::WallTime wall_now();

// A spawned task, for whoever may want to end it early. Dropping the handle leaves the task running.
class TaskHandle {
 public:
  TaskHandle() = default;
  // From any thread; the task unwinds at its next suspension. Harmless when it has ended.
  void cancel() const;
  bool is_done() const;

 private:
  friend class Shard;
  std::shared_ptr<detail::TaskState> state_;
};

namespace detail {

template <class T>
struct Unwrap {
  using Type = T;
  static constexpr bool kIsTask = false;
};
template <class T>
struct Unwrap<Task<T>> {
  using Type = T;
  static constexpr bool kIsTask = true;
};
// What fn() gives in the end: T for both `T fn()` and `Task<T> fn()`.
template <class F>
using FinalResult = typename Unwrap<std::invoke_result_t<F&>>::Type;
template <class F>
inline constexpr bool kGivesTask = Unwrap<std::invoke_result_t<F&>>::kIsTask;

// `void` has no object; calls carry this instead.
struct Nothing {};
template <class T>
using Slot = std::optional<std::conditional_t<std::is_void_v<T>, Nothing, T>>;

template <class F>
Task<void> fill_slot(F& fn, Slot<FinalResult<F>>& slot) {
  using T = FinalResult<F>;
  if constexpr (kGivesTask<F>) {
    if constexpr (std::is_void_v<T>) {
      co_await fn();
      slot.emplace();
    } else {
      slot.emplace(co_await fn());
    }
  } else if constexpr (std::is_void_v<T>) {
    fn();
    slot.emplace();
  } else {
    slot.emplace(fn());
  }
  co_return;
}

}  // namespace detail

// Created and destroyed by main (or a test), never on a shard.
class Shard {
 public:
  explicit Shard(std::string name);
  ~Shard();  // stop() and join()
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  const std::string& name() const { return name_; }
  bool is_current() const { return current() == this; }
  // The shard of the calling thread, or null.
  static Shard* current();
  base::Instant now() const { return async::now(); }
  base::WallTime wall_now() const { return async::wall_now(); }
  boost::asio::any_io_executor executor() const;

  // Starts a task on this shard; from any thread. `start` is kept alive until the task ends, so a lambda's captures
  // are safe to use throughout. An exception that leaves the task is logged with `what` and counted: it ends that
  // task only, never the server. `what` names the task for the log ("http connection 192.0.2.1:5000").
  TaskHandle spawn(std::string what, std::move_only_function<Task<void>()> start);
  // Runs `work` on this shard, later; from any thread. Exceptions are fenced in the same way.
  void post(std::move_only_function<void()> work);

  // Runs fn (a function, or one that gives a Task) on this shard and gives its result on the caller's own shard.
  // Cancelling the caller does not interrupt a call that has begun: fn may refer to the caller's locals.
  // What fn throws, the caller gets. Throws operation_aborted when this shard has stopped.
  template <class F>
  Task<detail::FinalResult<F>> call(F fn) {
    detail::Slot<detail::FinalResult<F>> slot;
    if (is_current()) {
      co_await detail::fill_slot(fn, slot);
    } else {
      co_await call_erased([&fn, &slot]() -> Task<void> { return detail::fill_slot(fn, slot); });
    }
    if constexpr (!std::is_void_v<detail::FinalResult<F>>) co_return std::move(*slot);
  }

  // Runs fn on this shard and blocks the calling thread, which must not be a shard: for main and for tests.
  template <class F>
  detail::FinalResult<F> run_blocking(F fn) {
    detail::Slot<detail::FinalResult<F>> slot;
    run_blocking_erased([&fn, &slot]() -> Task<void> { return detail::fill_slot(fn, slot); });
    if constexpr (!std::is_void_v<detail::FinalResult<F>>) return std::move(*slot);
  }

  // Graceful end, from outside: stop() cancels every task and returns at once; join() lets them unwind (at most
  // `patience`) and ends the thread. With several shards: stop() all, then join() all. Both are idempotent.
  void stop();
  void join(base::Duration patience = std::chrono::seconds(5));

  struct Stats {
    std::uint64_t tasks_started = 0;
    std::uint64_t tasks_running = 0;
    std::uint64_t tasks_failed = 0;  // ended by an exception other than cancellation
  };
  // From any thread.
  Stats stats() const;

  // For this room: what may be held weakly by those who outlive the shard.
  const std::shared_ptr<detail::Loop>& loop() const { return loop_; }

 private:
  Task<void> call_erased(std::move_only_function<Task<void>()> fn);
  void run_blocking_erased(std::move_only_function<Task<void>()> fn);

  std::string name_;
  std::shared_ptr<detail::Loop> loop_;
};

}  // namespace async
