// SPDX-License-Identifier: Apache-2.0
#include "api/read_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace api {
namespace {

using base::Errc;
using base::fail;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Calls `see` with the name and the value of each argument, undecoded, until it says that this was enough.
template <class See>
void walk_query(std::string_view query, See see) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (see(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())))) return;
  }
}

}  // namespace

std::string decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::string> find_query_value(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  walk_query(query, [&](std::string_view key, std::string_view value) {
    if (key == name) found = decode_percent(value);
    return found.has_value();
  });
  return found;
}

base::Result<std::optional<base::WallTime>> ReadRequest::time(std::string_view argument) const {
  const auto text = find(argument);
  if (!text) return std::optional<base::WallTime>();
  if (const auto time = base::parse_time(*text)) return time;
  return fail(
      Errc::InvalidArgument,
      fmt::format("{} is a time: epoch seconds such as 1795421462.123, or UTC such as 2026-11-23T08:11:02Z", argument));
}

base::Result<std::size_t> ReadRequest::count(std::string_view argument, std::size_t usual, std::size_t most) const {
  const auto text = find(argument);
  if (!text) return usual;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && end == text->data() + text->size() && value >= 1 && value <= most) return value;
  return fail(Errc::InvalidArgument, fmt::format("{} is a number from 1 to {}", argument, most));
}

base::Result<void> ReadRequest::allow(std::initializer_list<std::string_view> arguments) const {
  std::string unknown;
  walk_query(query, [&](std::string_view key, std::string_view) {
    const bool known = key.starts_with("X-Amz-") || std::ranges::find(arguments, key) != arguments.end();
    if (!known) unknown = decode_percent(key).substr(0, 64);
    return !known;
  });
  if (unknown.empty()) return {};
  return fail(Errc::InvalidArgument,
              fmt::format("there is no argument {}; this read knows: {}", unknown, fmt::join(arguments, ", ")));
}

}  // namespace api
