// SPDX-License-Identifier: Apache-2.0
#include "async/shard.hpp"

#include <pthread.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <future>
#include <vector>

#include "async/loop.hpp"
#include "async/signal.hpp"
#include "base/check.hpp"
#include "base/log.hpp"

namespace async {

namespace asio = boost::asio;

namespace {

thread_local Shard* current_shard = nullptr;

Task<void> run_task(detail::Loop& loop, std::string what, std::move_only_function<Task<void>()> start) {
  try {
    co_await start();
  } catch (...) {
    loop.note_exception(what);
  }
}

void begin_task(const std::shared_ptr<detail::Loop>& loop, const std::shared_ptr<detail::TaskState>& state,
                std::string what, std::move_only_function<Task<void>()> start);

}  // namespace

base::Instant now() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

base::WallTime wall_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

void TaskHandle::cancel() const {
  const auto loop = state_ ? state_->loop.lock() : nullptr;
  if (!loop || state_->done) return;
  asio::post(loop->context, [state = state_] {
    state->cancelled = true;
    if (!state->done) state->signal.emit(asio::cancellation_type::terminal);
  });
}

bool TaskHandle::is_done() const {
  return !state_ || state_->done;
}

namespace detail {

void Loop::run() {
  current_shard = &shard;
  pthread_setname_np(pthread_self(), shard.name().substr(0, 15).c_str());
  for (;;) {
    try {
      context.run();
      return;
    } catch (...) {
      note_exception("a handler of the event loop");
    }
  }
}

void Loop::note_exception(std::string_view what) {
  try {
    throw;
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) return;
    base::log_error("{}: {} ended by an error: {}", shard.name(), what, error.what());
  } catch (const std::exception& error) {
    base::log_error("{}: {} ended by an error: {}", shard.name(), what, error.what());
  } catch (...) {
    base::log_error("{}: {} ended by an exception that says nothing", shard.name(), what);
  }
  ++failed;
}

void Loop::run_fenced(std::string_view what, std::move_only_function<void()>& function) {
  try {
    function();
  } catch (...) {
    note_exception(what);
  }
}

}  // namespace detail

Shard::Shard(std::string name) : name_(std::move(name)), loop_(std::make_shared<detail::Loop>(*this)) {
  loop_->thread = std::thread([loop = loop_.get()] { loop->run(); });
}

Shard::~Shard() {
  stop();
  join();
}

Shard* Shard::current() {
  return current_shard;
}

boost::asio::any_io_executor Shard::executor() const {
  return loop_->context.get_executor();
}

TaskHandle Shard::spawn(std::string what, std::move_only_function<Task<void>()> start) {
  TaskHandle handle;
  handle.state_ = std::make_shared<detail::TaskState>();
  handle.state_->loop = loop_;
  asio::post(loop_->context,
             [loop = loop_.get(), state = handle.state_, what = std::move(what), start = std::move(start)]() mutable {
               begin_task(loop->shard.loop(), state, std::move(what), std::move(start));
             });
  return handle;
}

namespace {

void begin_task(const std::shared_ptr<detail::Loop>& loop, const std::shared_ptr<detail::TaskState>& state,
                std::string what, std::move_only_function<Task<void>()> start) {
  if (loop->stopping || state->cancelled) {
    state->done = true;
    return;
  }
  ++loop->started;
  loop->tasks.insert(state);
  {
    const std::lock_guard lock(loop->mutex);
    ++loop->running;
  }
  const auto ended = [loop = loop.get(), state](const std::exception_ptr&) {
    state->done = true;
    loop->tasks.erase(state);
    {
      const std::lock_guard lock(loop->mutex);
      --loop->running;
    }
    loop->changed.notify_all();
  };
  asio::co_spawn(loop->context, run_task(*loop, std::move(what), std::move(start)),
                 asio::bind_cancellation_slot(state->signal.slot(), ended));
}

}  // namespace

void Shard::post(std::move_only_function<void()> work) {
  asio::post(loop_->context,
             [loop = loop_.get(), work = std::move(work)]() mutable { loop->run_fenced("a posted function", work); });
}

Task<void> Shard::call_erased(std::move_only_function<Task<void>()> fn) {
  detail::SignalWait wait;
  spawn("a call from another shard", [fn = std::move(fn), signal = wait.make_signal()]() mutable -> Task<void> {
    std::exception_ptr error;
    try {
      co_await fn();
    } catch (...) {
      error = std::current_exception();
    }
    signal.fire(std::move(error));
  });
  co_await wait.wait();
}

void Shard::run_blocking_erased(std::move_only_function<Task<void>()> fn) {
  CHECK(current() == nullptr);
  // A promise that is dropped unset (the shard has stopped) makes get() throw broken_promise.
  std::promise<void> promise;
  std::future<void> done = promise.get_future();
  spawn("a call from outside", [fn = std::move(fn), promise = std::move(promise)]() mutable -> Task<void> {
    std::exception_ptr error;
    try {
      co_await fn();
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      promise.set_exception(error);
    } else {
      promise.set_value();
    }
  });
  done.get();
}

void Shard::stop() {
  std::call_once(loop_->stop_once, [this] {
    asio::post(loop_->context, [loop = loop_.get()] {
      loop->stopping = true;
      const std::vector<std::shared_ptr<detail::TaskState>> tasks(loop->tasks.begin(), loop->tasks.end());
      for (const auto& task : tasks) {
        task->cancelled = true;
        if (!task->done) task->signal.emit(asio::cancellation_type::terminal);
      }
      {
        const std::lock_guard lock(loop->mutex);
        loop->stop_has_begun = true;
      }
      loop->changed.notify_all();
    });
  });
}

void Shard::join(base::Duration patience) {
  CHECK(!is_current());
  std::call_once(loop_->join_once, [this, patience] {
    std::unique_lock lock(loop_->mutex);
    const bool quiet =
        loop_->changed.wait_for(lock, patience, [this] { return loop_->stop_has_begun && loop_->running == 0; });
    const std::uint64_t left = loop_->running;
    lock.unlock();
    if (!quiet) base::log_warning("{}: {} tasks did not end in time", name_, left);
    loop_->work.reset();
    loop_->context.stop();
    loop_->thread.join();
  });
}

Shard::Stats Shard::stats() const {
  const std::lock_guard lock(loop_->mutex);
  return {loop_->started, loop_->running, loop_->failed};
}

}  // namespace async
