// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "client/viewing.hpp"

namespace client {

// One line: {"viewers":[{"client_id":..., "error":null, "timings_ms":{"join":...}, ...}], "all":{...}, "failed":0}.
std::string to_json(const std::vector<ViewerResult>& results);

// For people: a line for each of a few viewers and every failure, then all of them together.
std::string to_lines(const std::vector<ViewerResult>& results);

}  // namespace client
