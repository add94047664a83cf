// SPDX-License-Identifier: Apache-2.0
#include "async/mailbox.hpp"

#include <boost/asio/post.hpp>

#include "async/loop.hpp"

namespace async::detail {

struct MailboxBell::State {
  explicit State(Shard& consumer) : loop(consumer.loop()), rung(consumer) {}
  std::weak_ptr<Loop> loop;
  Notify rung;  // the consumer's shard only
};

MailboxBell::MailboxBell(Shard& consumer) : state_(std::make_shared<State>(consumer)) {}
MailboxBell::~MailboxBell() = default;

void MailboxBell::ring() {
  if (const auto loop = state_->loop.lock()) {
    boost::asio::post(loop->context, [state = state_] { state->rung.notify_all(); });
  }
}

Task<void> MailboxBell::wait() {
  return state_->rung.wait();
}

}  // namespace async::detail
