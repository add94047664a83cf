// SPDX-License-Identifier: Apache-2.0
// `tidegate camera` as a command: signals, and what it prints.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "client/camera.hpp"
#include "client/camera_report.hpp"

namespace client {

int run_camera(const CameraOptions& options) {
  const auto stop = [](int) { stop_publishing(); };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
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
