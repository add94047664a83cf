// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli_app.hpp"
#include "app/service_flags.hpp"
#include "client/viewing.hpp"

namespace app {

// The flags of `tidegate viewer`.
class ViewerFlags {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  client::ViewingOptions options_;
  ServiceFlags service_;
  double duration_seconds_ = 0;
  bool no_audio_ = false;
};

}  // namespace app
