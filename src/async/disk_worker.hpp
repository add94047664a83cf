// SPDX-License-Identifier: Apache-2.0
#pragma once
// Threads for work that blocks (SQLite, fsync, rendering), so that shards never do.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/result.hpp"

namespace async {

// Created by main; outlives the shards' tasks that use it. Any thread may call run().
class DiskWorker {
 public:
  struct Options {
    std::string name = "disk";
    std::size_t threads = 1;
    std::size_t queue_limit = 4096;  // calls waiting; one more fails
    int nice = 0;                    // of its threads, on Linux: above 0 they yield to the shards
  };
  explicit DiskWorker(const Options& options);
  ~DiskWorker();  // join()
  DiskWorker(const DiskWorker&) = delete;
  DiskWorker& operator=(const DiskWorker&) = delete;

  // Runs fn() on one of the threads (with one thread: in order) and gives its result on the caller's executor. What
  // fn throws, the caller gets. Cancelling the caller does not interrupt a call that has begun: fn may refer to the
  // caller's locals. When the queue is full or the worker has ended: Errc::Unavailable if fn gives a Result, else
  // std::runtime_error.
  template <class F>
  Task<std::invoke_result_t<F&>> run(F fn) {
    using T = std::invoke_result_t<F&>;
    detail::Slot<T> slot;
    const bool accepted = co_await run_erased([&fn, &slot] {
      if constexpr (std::is_void_v<T>) {
        fn();
        slot.emplace();
      } else {
        slot.emplace(fn());
      }
    });
    if (!accepted) {
      if constexpr (std::is_constructible_v<T, std::unexpected<base::Error>>) {
        co_return base::fail(base::Errc::Unavailable, "too much work is waiting for the disk: try again later");
      } else {
        throw_overloaded();
      }
    }
    if constexpr (!std::is_void_v<T>) co_return std::move(*slot);
  }

  // Finishes what is queued, then ends the threads. Idempotent.
  void join();

  struct Stats {
    std::uint64_t calls = 0;
    std::uint64_t refused = 0;
    std::size_t waiting = 0;
  };
  Stats stats() const;

 private:
  Task<bool> run_erased(std::move_only_function<void()> work);
  [[noreturn]] static void throw_overloaded();

  struct Queue;
  std::unique_ptr<Queue> queue_;
};

}  // namespace async
