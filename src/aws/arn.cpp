// SPDX-License-Identifier: Apache-2.0
#include "aws/arn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace aws {

namespace {
constexpr std::size_t kMaxArn = 1024;
constexpr std::size_t kMaxName = 256;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_region_char(char c) {
  return is_lower(c) || is_digit(c) || c == '-';
}
bool is_name_char(char c) {
  return is_lower(c) || is_upper(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
}

// Takes the text before `separator` off the front of `rest`; nothing when there is no separator.
std::optional<std::string_view> take_until(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return part;
}

std::optional<Arn::Type> parse_type(std::string_view text) {
  if (text == "stream") return Arn::Type::Stream;
  if (text == "channel") return Arn::Type::Channel;
  return std::nullopt;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  if (!std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}
}  // namespace

std::string Arn::text() const {
  return fmt::format("arn:{}:kinesisvideo:{}:{}:{}/{}/{}", partition, region, account,
                     type == Type::Stream ? "stream" : "channel", name, created_ms);
}

std::optional<Arn> parse_arn(std::string_view text) {
  if (text.size() > kMaxArn || !text.starts_with("arn:")) return std::nullopt;
  text.remove_prefix(4);
  const auto partition = take_until(text, ':');
  const auto service = take_until(text, ':');
  const auto region = take_until(text, ':');
  const auto account = take_until(text, ':');
  const auto type_text = take_until(text, '/');
  const auto name = take_until(text, '/');
  if (!partition || !service || !region || !account || !type_text || !name) return std::nullopt;
  const auto type = parse_type(*type_text);
  const auto created = parse_time(text);
  if (!partition->starts_with("aws") || !std::ranges::all_of(*partition, is_region_char)) return std::nullopt;
  if (*service != "kinesisvideo" || !type || !created) return std::nullopt;
  if (region->empty() || !std::ranges::all_of(*region, is_region_char)) return std::nullopt;
  if (account->size() != 12 || !std::ranges::all_of(*account, is_digit)) return std::nullopt;
  if (name->empty() || name->size() > kMaxName || !std::ranges::all_of(*name, is_name_char)) return std::nullopt;
  return Arn{std::string(*partition), std::string(*region), std::string(*account), *type, std::string(*name), *created};
}

}  // namespace aws
