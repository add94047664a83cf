// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <fmt/format.h>

#include <cmath>
#include <sstream>
#include <vector>

namespace impairments {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr const char* kBegin = "<!-- table: written by ./dev bench impairments --write -->\n";
constexpr const char* kEnd = "<!-- end of table -->\n";
constexpr std::size_t kColumns = 16;

std::string in_ms(std::optional<base::Duration> time) {
  return time ? fmt::format("{}", *time / milliseconds(1)) : "";
}

std::string in_ms(microseconds time) {
  return fmt::format("{:.1f}", static_cast<double>(time.count()) / 1000);
}

std::optional<base::Duration> read_ms(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return milliseconds(std::stol(text));
}

microseconds read_microseconds(const std::string& text) {
  return microseconds(std::llround(std::stod(text) * 1000));
}

std::vector<std::string> split_row(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream rest(line);
  for (std::string field; std::getline(rest, field, '|');) {
    const std::size_t first = field.find_first_not_of(' ');
    const std::size_t last = field.find_last_not_of(' ');
    fields.push_back(first == std::string::npos ? "" : field.substr(first, last - first + 1));
  }
  if (!fields.empty()) fields.erase(fields.begin());  // before the first bar
  return fields;
}

}  // namespace

std::string table_head() {
  std::string head =
      "| cell | sent | hit | recovered | lost | stored | decodable | sound sent | sound stored | fragments | faults | "
      "A/V skew | duration error | back: taken | back: recorded | ended |\n";
  for (std::size_t i = 0; i < kColumns; ++i) head += "|---";
  return head + "|\n";
}

std::string table_row(const Cell& cell, const Result& result) {
  const std::uint64_t faults = result.altered + result.unmarked + (result.decode_errors.empty() ? 0 : 1);
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", cell.name,
                     result.sent, result.hit, result.recovered, result.lost(), result.stored, result.decoded,
                     result.sound_sent, result.sound_stored, result.fragments, faults, in_ms(result.skew),
                     in_ms(result.duration_error), in_ms(result.picture_taken), in_ms(result.picture_back),
                     cell.blackout > 30s ? result.ended : "");
}

std::optional<Result> read_row(const std::string& text, const Cell& cell) {
  const std::size_t begin = text.find("\n| " + cell.name + " |");
  if (begin == std::string::npos) return std::nullopt;
  const auto fields = split_row(text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1));
  if (fields.size() != kColumns) return std::nullopt;
  const auto count = [&](std::size_t column) { return std::stoul(fields[column]); };
  Result result;
  result.sent = count(1);
  result.hit = count(2);
  result.recovered = count(3);
  result.stored = count(5);
  result.decoded = count(6);
  result.sound_sent = count(7);
  result.sound_stored = count(8);
  result.fragments = count(9);
  result.altered = count(10);
  result.skew = read_microseconds(fields[11]);
  result.duration_error = read_microseconds(fields[12]);
  result.picture_taken = read_ms(fields[13]);
  result.picture_back = read_ms(fields[14]);
  result.ended = fields[15];
  return result;
}

std::optional<std::string> with_table(std::string text, const std::string& table) {
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return std::nullopt;
  const std::size_t first = begin + std::string(kBegin).size();
  return text.replace(first, end - first, table);
}

}  // namespace impairments
