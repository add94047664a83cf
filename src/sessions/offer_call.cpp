// SPDX-License-Identifier: Apache-2.0
#include "sessions/offer_call.hpp"

namespace sessions {

void OfferCall::send(std::string text) {
  auto payload = find_answer_payload(text);
  if (!payload) return;
  {
    const std::lock_guard lock(mutex_);
    if (!answer_) answer_ = std::move(payload);
  }
  changed_.notify_all();
}

void OfferCall::close(std::string_view /*why*/) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

async::Task<std::optional<std::string>> OfferCall::wait(base::Instant deadline) {
  for (;;) {
    const std::uint64_t ticket = changed_.ticket();
    {
      const std::lock_guard lock(mutex_);
      if (answer_ || closed_) co_return answer_;
    }
    const bool notified = co_await changed_.wait(ticket, deadline);
    if (!notified) co_return std::nullopt;
  }
}

}  // namespace sessions
