// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/camera_command.hpp"

namespace CLI {
class App;
}

namespace app {

// The flags of `tidegate camera`.
class CameraFlags {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  client::CameraOptions options_;
};

}  // namespace app
