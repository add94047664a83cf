// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/handlers.hpp"
#include "sessions/session_history.hpp"

namespace api {

// sessions::Hub::sessions().
using ListSessions =
    std::function<async::Task<std::vector<sessions::SessionRecord>>(std::optional<std::string> channel_name)>;

// GET /api/v1/sessions (docs/api.md).
void add_session_reads(Handlers& handlers, ListSessions list);

}  // namespace api
