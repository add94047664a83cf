// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "app/cli_app.hpp"
#include "base/result.hpp"
#include "streams/archive_check.hpp"

namespace app {

// `tidegate fsck`: verifies every checksum of a data directory that no server is using, and its index against the
// volumes; --rebuild makes the index anew first.
class FsckCommand {
 public:
  void add_to(CLI::App& command);
  // 0: all is well. 1: something is damaged, missing or not indexed. 2: it could not be checked.
  int run();

 private:
  base::Result<streams::ArchiveCheckReport> check();

  std::string data_dir_ = "tidegate-data";
  bool rebuild_ = false;
  bool json_ = false;
  bool quiet_ = false;
};

}  // namespace app
