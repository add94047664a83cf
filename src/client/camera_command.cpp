// SPDX-License-Identifier: Apache-2.0
// `tidegate camera` as a command: signals, and what it prints.
#include <fmt/format.h>

#include <cstdio>

#include "client/camera.hpp"
#include "client/camera_report.hpp"
#include "client/stop.hpp"

namespace client {

int run_camera(const CameraOptions& options) {
  stop_on_signals();
  const auto results = publish(options);
  if (!results) {
    fmt::print(stderr, "tidegate camera: {}\n", results.error().message);
    return 2;
  }
  fmt::print("{}\n", options.json ? to_json(*results) : to_lines(*results));
  std::fflush(stdout);
  for (const CameraResult& result : *results) {
    if (!result.error.empty()) return 1;
  }
  return 0;
}

}  // namespace client
