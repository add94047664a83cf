// SPDX-License-Identifier: Apache-2.0
#include "store/fragment_number.hpp"

#include <fmt/format.h>

#include <charconv>

namespace store {
namespace {

constexpr std::string_view kPrefix = "91343852333";
constexpr std::size_t kDigits = 36;

}  // namespace

std::string FragmentNumber::text() const {
  return fmt::format("{}{:036}", kPrefix, value);
}

std::optional<FragmentNumber> FragmentNumber::parse(std::string_view text) {
  if (text.size() != kPrefix.size() + kDigits || !text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
  }
  FragmentNumber number;
  // Overflow (a number of another server) is reported as an error, so it becomes "not ours".
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace store
