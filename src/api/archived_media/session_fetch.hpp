// SPDX-License-Identifier: Apache-2.0
#pragma once
// The address of one of a streaming session's GETs, taken apart. Pure.

#include <string_view>

#include "streams/streaming_sessions.hpp"

namespace api {

// Whatever is not understood is left out, or given so that answering it is refused.
streams::SessionFetch read_session_fetch(std::string_view path, std::string_view query);

}  // namespace api
