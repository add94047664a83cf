// SPDX-License-Identifier: Apache-2.0
#include "net/http_message.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace net {

namespace {

// RFC 9110 15, and 429 and 431 of RFC 6585; by number.
constexpr std::array kReasons = {
    std::pair<int, std::string_view>{100, "Continue"},
    std::pair<int, std::string_view>{101, "Switching Protocols"},
    std::pair<int, std::string_view>{200, "OK"},
    std::pair<int, std::string_view>{201, "Created"},
    std::pair<int, std::string_view>{202, "Accepted"},
    std::pair<int, std::string_view>{204, "No Content"},
    std::pair<int, std::string_view>{206, "Partial Content"},
    std::pair<int, std::string_view>{301, "Moved Permanently"},
    std::pair<int, std::string_view>{302, "Found"},
    std::pair<int, std::string_view>{304, "Not Modified"},
    std::pair<int, std::string_view>{307, "Temporary Redirect"},
    std::pair<int, std::string_view>{308, "Permanent Redirect"},
    std::pair<int, std::string_view>{400, "Bad Request"},
    std::pair<int, std::string_view>{401, "Unauthorized"},
    std::pair<int, std::string_view>{403, "Forbidden"},
    std::pair<int, std::string_view>{404, "Not Found"},
    std::pair<int, std::string_view>{405, "Method Not Allowed"},
    std::pair<int, std::string_view>{408, "Request Timeout"},
    std::pair<int, std::string_view>{409, "Conflict"},
    std::pair<int, std::string_view>{410, "Gone"},
    std::pair<int, std::string_view>{411, "Length Required"},
    std::pair<int, std::string_view>{412, "Precondition Failed"},
    std::pair<int, std::string_view>{413, "Content Too Large"},
    std::pair<int, std::string_view>{414, "URI Too Long"},
    std::pair<int, std::string_view>{415, "Unsupported Media Type"},
    std::pair<int, std::string_view>{416, "Range Not Satisfiable"},
    std::pair<int, std::string_view>{417, "Expectation Failed"},
    std::pair<int, std::string_view>{426, "Upgrade Required"},
    std::pair<int, std::string_view>{429, "Too Many Requests"},
    std::pair<int, std::string_view>{431, "Request Header Fields Too Large"},
    std::pair<int, std::string_view>{500, "Internal Server Error"},
    std::pair<int, std::string_view>{501, "Not Implemented"},
    std::pair<int, std::string_view>{502, "Bad Gateway"},
    std::pair<int, std::string_view>{503, "Service Unavailable"},
    std::pair<int, std::string_view>{504, "Gateway Timeout"},
    std::pair<int, std::string_view>{505, "HTTP Version Not Supported"},
};

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
  for (const HttpHeader& header : *this) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

bool HttpHeaders::has_token(std::string_view name, std::string_view token) const {
  for (const HttpHeader& header : *this) {
    if (!equal_ignoring_case(header.name, name)) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (equal_ignoring_case(trim(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

std::string_view http_reason(int status) {
  const auto found = std::ranges::find(kReasons, status, &std::pair<int, std::string_view>::first);
  return found == kReasons.end() ? "Unknown" : found->second;
}

}  // namespace net
