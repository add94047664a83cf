// SPDX-License-Identifier: Apache-2.0
#pragma once
// The configured limits in the words of the rooms that enforce them.

#include "api/limits.hpp"
#include "sessions/session_limits.hpp"
#include "streams/producer_session.hpp"

namespace app {

streams::ProducerLimits producer_limits(const api::Limits& limits);
sessions::SessionLimits session_limits(const api::Limits& limits);

}  // namespace app
