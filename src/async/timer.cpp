// SPDX-License-Identifier: Apache-2.0
#include "async/timer.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/loop.hpp"
#include "base/check.hpp"

namespace async {

namespace asio = boost::asio;

namespace {

asio::steady_timer::time_point to_asio(base::Instant when) {
  return asio::steady_timer::time_point(
      std::chrono::duration_cast<asio::steady_timer::duration>(when.time_since_epoch()));
}

// The same for all who wait for about that time.
base::Instant round_up(base::Instant when) {
  const base::Duration since = when.time_since_epoch();
  return when + (kCoarseStep - since % kCoarseStep) % kCoarseStep;
}

}  // namespace

Task<void> sleep_until(base::Instant when) {
  asio::steady_timer timer(co_await asio::this_coro::executor, to_asio(when));
  co_await timer.async_wait(asio::use_awaitable);
}

Task<void> sleep_for(base::Duration duration) {
  return sleep_until(now() + duration);
}

Task<void> yield() {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

struct Timer::State : std::enable_shared_from_this<State> {
  State(Shard& shard, std::move_only_function<void()> callback, Precision kept)
      : loop(*shard.loop()), timer(loop.context), precision(kept), fire(std::move(callback)) {}

  void schedule() {
    scheduled = deadline;
    const bool waits_for_others = precision == Precision::Coarse && deadline > now();
    const base::Instant when = waits_for_others ? round_up(deadline) : deadline;
    timer.expires_at(to_asio(when));  // ends the wait before it with operation_aborted
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      self->scheduled = base::kNever;
      self->wake();
    });
  }

  void wake() {
    if (!fire || deadline == base::kNever) return;
    if (deadline > now()) {
      schedule();
      return;
    }
    deadline = base::kNever;
    // The callback may destroy the Timer, which clears `fire`: run it from a place of its own.
    std::move_only_function<void()> running = std::move(fire);
    loop.run_fenced("a timer", running);
    if (!destroyed) fire = std::move(running);
  }

  detail::Loop& loop;
  asio::steady_timer timer;
  const Precision precision;
  std::move_only_function<void()> fire;
  base::Instant deadline = base::kNever;
  base::Instant scheduled = base::kNever;
  bool destroyed = false;
};

Timer::Timer(Shard& shard, std::move_only_function<void()> fire, Precision precision)
    : state_(std::make_shared<State>(shard, std::move(fire), precision)) {}

Timer::~Timer() {
  state_->destroyed = true;
  state_->fire = nullptr;
  state_->timer.cancel();
}

void Timer::arm(base::Instant when) {
  CHECK(state_->loop.may_touch());
  state_->deadline = when;
  // A wait that ends too early finds the later deadline and waits on.
  if (when < state_->scheduled) state_->schedule();
}

}  // namespace async
