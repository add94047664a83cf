// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/recording_flags.hpp"

namespace app {

// `tidegate sessions`: every join that a running server remembers, how far it came, and why it ended.
class SessionsCommand {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  base::Result<void> list();

  RecordingFlags source_;
  std::string channel_;
  bool json_ = false;
};

}  // namespace app
