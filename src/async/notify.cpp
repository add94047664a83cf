// SPDX-License-Identifier: Apache-2.0
#include "async/notify.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <vector>

#include "async/loop.hpp"
#include "base/check.hpp"

namespace async {

namespace asio = boost::asio;

namespace {

// In the frame of a waiting task.
struct Waiter {
  asio::steady_timer timer;
  bool notified = false;
};

}  // namespace

struct Notify::State {
  explicit State(detail::Loop& owner) : loop(owner) {}
  detail::Loop& loop;
  std::vector<Waiter*> waiters;
};

Notify::Notify(Shard& shard) : state_(std::make_shared<State>(*shard.loop())) {}
Notify::~Notify() = default;

void Notify::notify_all() {
  CHECK(state_->loop.may_touch());
  for (Waiter* waiter : state_->waiters) {
    waiter->notified = true;
    waiter->timer.cancel();
  }
  state_->waiters.clear();
}

Task<void> Notify::wait() {
  co_await wait_until(base::kNever);
}

Task<bool> Notify::wait_until(base::Instant deadline) {
  const std::shared_ptr<State> state = state_;  // the condition's owner may go while its loop is torn down
  CHECK(state->loop.may_touch());
  const auto expiry = asio::steady_timer::time_point(
      std::chrono::duration_cast<asio::steady_timer::duration>(deadline.time_since_epoch()));
  Waiter waiter{asio::steady_timer(state->loop.context, expiry)};
  struct Registration {
    State& state;
    Waiter& waiter;
    ~Registration() { std::erase(state.waiters, &waiter); }
  };
  state->waiters.push_back(&waiter);
  const Registration registration{*state, waiter};

  boost::system::error_code error;
  co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (error && !waiter.notified) throw boost::system::system_error(asio::error::operation_aborted);
  co_return waiter.notified;
}

}  // namespace async
