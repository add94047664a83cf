// SPDX-License-Identifier: Apache-2.0
#pragma once
// How many messages one signaling socket may send (contract 2.4). Lives with the socket.

#include <cstdint>

#include "base/result.hpp"
#include "base/token_bucket.hpp"
#include "sessions/signaling_message.hpp"

namespace sessions {

// Per second; 0: no limit.
struct MessageRateLimits {
  std::uint64_t descriptions = 0;  // SDP_OFFER and SDP_ANSWER
  std::uint64_t candidates = 0;    // ICE_CANDIDATE
};

class MessageRates {
 public:
  explicit MessageRates(MessageRateLimits limits) : limits_(limits) {}

  // LimitExceeded, for a STATUS_RESPONSE; the message is dropped.
  base::Result<void> admit(base::Instant now, SignalingAction action) {
    const bool is_candidate = action == SignalingAction::IceCandidate;
    const bool fits =
        is_candidate ? candidates_.take(now, limits_.candidates) : descriptions_.take(now, limits_.descriptions);
    if (fits) return {};
    return base::fail(base::Errc::LimitExceeded, "Rate exceeded: this connection sends too many messages of this kind");
  }

 private:
  MessageRateLimits limits_;
  base::TokenBucket descriptions_;
  base::TokenBucket candidates_;
};

}  // namespace sessions
