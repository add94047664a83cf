// SPDX-License-Identifier: Apache-2.0
#include "async/signal.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "async/loop.hpp"
#include "base/check.hpp"

namespace async::detail {

namespace asio = boost::asio;

// Touched on the waiter's shard only. The timer is in the waiter's frame: when the loop is torn down the frame goes
// with it, and nobody is left to use the pointer.
struct PendingResult {
  asio::steady_timer* timer = nullptr;
  bool fired = false;
  std::exception_ptr error;
};

Signal::Signal(std::weak_ptr<Loop> loop, std::shared_ptr<PendingResult> result)
    : loop_(std::move(loop)), result_(std::move(result)) {}

Signal::~Signal() {
  if (result_) fire(std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted)));
}

void Signal::fire(std::exception_ptr error) {
  auto result = std::exchange(result_, nullptr);
  const auto loop = loop_.lock();
  if (!result || !loop) return;
  asio::post(loop->context, [result = std::move(result), error = std::move(error)]() mutable {
    result->fired = true;
    result->error = std::move(error);
    if (result->timer != nullptr) result->timer->cancel();
  });
}

SignalWait::SignalWait() : result_(std::make_shared<PendingResult>()) {
  CHECK(Shard::current() != nullptr);
}

Signal SignalWait::make_signal() {
  return {Shard::current()->loop(), result_};
}

Task<void> SignalWait::wait() {
  asio::steady_timer timer(Shard::current()->loop()->context, asio::steady_timer::time_point::max());
  if (!result_->fired) {
    result_->timer = &timer;
    boost::system::error_code ignored;
    // An empty slot instead of the task's own: the work may refer to the task's locals.
    co_await timer.async_wait(
        asio::bind_cancellation_slot(asio::cancellation_slot(), asio::redirect_error(asio::use_awaitable, ignored)));
    result_->timer = nullptr;
  }
  CHECK(result_->fired);
  if (result_->error) std::rethrow_exception(result_->error);
}

}  // namespace async::detail
