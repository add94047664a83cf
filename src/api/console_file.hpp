// SPDX-License-Identifier: Apache-2.0
#pragma once
// The files of the web console as constants of the program.

#include <cstdint>
#include <span>
#include <string_view>

namespace api {

struct ConsoleFile {
  std::string_view path;  // below /console/; "" is the page
  std::string_view content_type;
  std::string_view etag;  // with its quotes
  bool hashed = false;    // the name changes with the content: cached for ever
  std::span<const std::uint8_t> gzip;
};

// Defined by what the build makes of console/ (cmake/console.cmake).
std::span<const ConsoleFile> console_files();

}  // namespace api
