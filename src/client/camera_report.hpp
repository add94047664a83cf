// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "client/camera.hpp"

namespace client {

// One line: {"cameras":[{"channel":..., "error":null, "timings_ms":{"join":...}, ...}], "failed":0}.
std::string to_json(const std::vector<CameraResult>& results);

// For people: a line for each camera, or for many of them the medians and every failure.
std::string to_lines(const std::vector<CameraResult>& results);

}  // namespace client
