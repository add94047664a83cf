// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/time.hpp"

namespace client {

// Since the join was sent (the one that led to the connection); absent: never came.
struct JoinTimings {
  std::optional<base::Duration> join;   // its answer
  std::optional<base::Duration> offer;  // SDP_OFFER on the WebSocket
  std::optional<base::Duration> ice;    // a pair was selected
  std::optional<base::Duration> dtls;   // media can flow
};

}  // namespace client
