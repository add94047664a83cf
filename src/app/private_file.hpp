// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"

namespace app {

// The content of the file, or of what `make` gives, written with mode 0600 and synced, when there is no such file.
struct PrivateFile {
  std::string content;
  bool was_created = false;
};
base::Result<PrivateFile> read_or_create_private(const std::string& path, const std::function<std::string()>& make);

}  // namespace app
