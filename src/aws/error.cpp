// SPDX-License-Identifier: Apache-2.0
#include "aws/error.hpp"

#include "aws/json_write.hpp"

namespace aws {

std::string render_error_body(const ErrorKind& kind, std::string_view message) {
  std::string out = kind.message_case == MessageCase::Upper ? "{\"Message\":" : "{\"message\":";
  write_value(out, message);
  out += '}';
  return out;
}

}  // namespace aws
