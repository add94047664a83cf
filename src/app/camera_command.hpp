// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli_app.hpp"
#include "app/service_flags.hpp"
#include "base/result.hpp"
#include "client/camera.hpp"

namespace app {

// The flags of `tidegate camera`.
class CameraFlags {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  base::Result<client::CameraOptions> finish() const;

  client::CameraOptions options_;
  ServiceFlags service_;
  double duration_seconds_ = 0;
  double low_seconds_ = 0;
  bool no_audio_ = false;
};

}  // namespace app
