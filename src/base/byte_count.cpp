// SPDX-License-Identifier: Apache-2.0
#include "base/byte_count.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace base {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 10> kUnits = {{{"", 1},
                                                                                {"b", 1},
                                                                                {"kb", 1'000},
                                                                                {"mb", 1'000'000},
                                                                                {"gb", 1'000'000'000},
                                                                                {"tb", 1'000'000'000'000},
                                                                                {"kib", 1ULL << 10U},
                                                                                {"mib", 1ULL << 20U},
                                                                                {"gib", 1ULL << 30U},
                                                                                {"tib", 1ULL << 40U}}};

std::string lower_case(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

}  // namespace

std::optional<std::uint64_t> parse_byte_count(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const std::string wanted = lower_case(unit);
  for (const auto& [name, factor] : kUnits) {
    if (name != wanted) continue;
    if (number > static_cast<std::uint64_t>(INT64_MAX) / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

std::string to_byte_count_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  static constexpr std::array<const char*, 6> kNames = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kNames.size()) {
    value /= 1000;
    ++unit;
  }
  const int digits = value < 9.995 ? 2 : (value < 99.95 ? 1 : 0);
  return fmt::format("{:.{}f} {}", value, digits, kNames[unit]);
}

}  // namespace base
