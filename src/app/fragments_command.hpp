// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/recording_flags.hpp"

namespace app {

// `tidegate fragments STREAM`: one line a fragment, and one for each gap between them.
class FragmentsCommand {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  base::Result<void> list();

  RecordingFlags source_;
  WindowFlags window_;
  std::string stream_;
  bool json_ = false;
};

}  // namespace app
