// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/recording_flags.hpp"

namespace app {

// `tidegate streams`: every stream with its first and last picture, and what is missing between them.
class StreamsCommand {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  base::Result<void> list();

  RecordingFlags source_;
  bool json_ = false;
};

}  // namespace app
