// SPDX-License-Identifier: Apache-2.0
#include "aws/json_write.hpp"

#include <fmt/format.h>

namespace aws {

void write_value(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void write_value(std::string& out, std::int64_t number) {
  out += fmt::format_int(number).str();
}

void write_value(std::string& out, base::WallTime time) {
  const std::int64_t value = base::to_microseconds(time);
  const std::int64_t seconds = value / 1'000'000;
  std::int64_t fraction = value % 1'000'000;
  if (value < 0 && seconds == 0) out += '-';
  write_value(out, seconds);
  if (fraction == 0) return;
  std::string digits = fmt::format(".{:06}", fraction < 0 ? -fraction : fraction);
  digits.erase(digits.find_last_not_of('0') + 1);
  out += digits;
}

}  // namespace aws
