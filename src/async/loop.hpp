// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the async room: what a Shard is made of.

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <unordered_set>

#include "async/shard.hpp"

namespace async::detail {

struct TaskState {
  std::weak_ptr<Loop> loop;
  boost::asio::cancellation_signal signal;  // the shard's thread only
  bool cancelled = false;                   // the shard's thread only
  std::atomic<bool> done = false;
};

// Shared by the Shard and by what may outlive it for a moment (handles, signals under way).
struct Loop {
  explicit Loop(Shard& owner) : shard(owner), work(context.get_executor()) {}

  void run();
  // True on the shard's thread, and for those who tidy up after it has ended.
  bool may_touch() const { return shard.is_current() || !thread.joinable(); }
  // Logs and counts the exception in flight; cancellation is neither.
  void note_exception(std::string_view what);
  // Runs work() and fences its exceptions.
  void run_fenced(std::string_view what, std::move_only_function<void()>& function);

  Shard& shard;
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  std::thread thread;
  std::atomic<std::uint64_t> started = 0, failed = 0;

  // The shard's thread only.
  bool stopping = false;
  std::unordered_set<std::shared_ptr<TaskState>> tasks;

  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t running = 0;    // guarded by mutex: started and not ended
  bool stop_has_begun = false;  // guarded by mutex: the shard's thread has seen stop()
  std::once_flag stop_once, join_once;
};

}  // namespace async::detail
