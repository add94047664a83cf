// SPDX-License-Identifier: Apache-2.0
#include "streams/commit_signal.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace streams {

// The timer belongs to the waiting task's executor; others only post to it.
struct CommitSignal::Waiter {
  explicit Waiter(const boost::asio::any_io_executor& executor) : timer(executor) {}
  boost::asio::steady_timer timer;
};

// Also when the task is destroyed while it waits: its executor may be gone afterwards.
struct CommitSignal::Registration {
  CommitSignal& signal;
  const std::shared_ptr<Waiter>& waiter;
  ~Registration() {
    const std::lock_guard lock(signal.mutex_);
    std::erase(signal.waiters_, waiter);
  }
};

CommitSignal::CommitSignal() = default;
CommitSignal::~CommitSignal() = default;

std::uint64_t CommitSignal::ticket() const {
  const std::lock_guard lock(mutex_);
  return notified_;
}

void CommitSignal::notify_all() {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    const std::lock_guard lock(mutex_);
    ++notified_;
    waiters.swap(waiters_);
  }
  for (auto& waiter : waiters) {
    const auto executor = waiter->timer.get_executor();
    // Runs after the task has begun to wait, because both are on its shard.
    boost::asio::post(executor, [waiter = std::move(waiter)] { waiter->timer.cancel(); });
  }
}

async::Task<bool> CommitSignal::wait(std::uint64_t ticket, base::Instant deadline) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto waiter = std::make_shared<Waiter>(executor);
  if (deadline == base::kNever) {
    waiter->timer.expires_at(boost::asio::steady_timer::time_point::max());
  } else {
    const auto left = deadline.time_since_epoch();
    waiter->timer.expires_at(boost::asio::steady_timer::time_point(left));
  }
  {
    const std::lock_guard lock(mutex_);
    if (notified_ != ticket) co_return true;
    waiters_.push_back(waiter);
  }
  const Registration registration{*this, waiter};
  constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
  const auto [error] = co_await waiter->timer.async_wait(token);
  co_return error != boost::system::error_code();  // no error: the timer ran out
}

}  // namespace streams
