// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the reports of cameras and viewers write their values; private to them.

#include <fmt/format.h>

#include <optional>
#include <string>

#include "aws/json_write.hpp"
#include "base/time.hpp"

namespace client {

// Of more cameras or viewers only the sums are printed for people.
inline constexpr std::size_t kListedOneByOne = 8;

inline double to_milliseconds(base::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// JSON: milliseconds.
inline std::string number_or_null(std::optional<base::Duration> value) {
  return value ? fmt::format("{:.1f}", to_milliseconds(*value)) : "null";
}

// JSON.
inline std::string quoted(const std::string& text) {
  std::string out;
  aws::write_value(out, text);
  return out;
}

}  // namespace client
