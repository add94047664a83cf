// SPDX-License-Identifier: Apache-2.0
#include "aws/json_read.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "aws/pattern.hpp"

namespace aws {

namespace {
std::string bounds(const Rules& rules) {
  const bool open_low = rules.min == Rules{}.min;
  const bool open_high = rules.max == Rules{}.max;
  if (open_low) return fmt::format("at most {}", rules.max);
  if (open_high) return fmt::format("at least {}", rules.min);
  return fmt::format("from {} to {}", rules.min, rules.max);
}

bool within(std::int64_t value, const Rules& rules) {
  return value >= rules.min && value <= rules.max;
}
}  // namespace

void JsonReader::wrong_type(std::string_view expected) {
  if (problem_) return;
  problem_ = Error(kSerialization, fmt::format("{} must be {}", path_.empty() ? "the request body" : path_, expected));
}

void JsonReader::broken_rule(std::string explanation) {
  if (problem_) return;
  problem_ = Error(base::Error{base::Errc::InvalidArgument, path_ + " " + std::move(explanation)});
}

void JsonReader::check_count(std::size_t count, const Rules& rules) {
  if (!within(static_cast<std::int64_t>(count), rules)) {
    broken_rule(fmt::format("has {} elements, allowed are {}", count, bounds(rules)));
  }
}

void JsonReader::check_text(std::string_view text, const Rules& rules) {
  const auto length = static_cast<std::int64_t>(count_code_points(text));
  if (!within(length, rules)) {
    broken_rule(fmt::format("has {} characters, allowed are {}", length, bounds(rules)));
  } else if (rules.pattern != nullptr && !rules.pattern->matches(text)) {
    broken_rule(fmt::format("does not match the pattern {}", rules.pattern->source()));
  }
}

void JsonReader::read(JsonValue in, const Rules& rules, std::string& out) {
  const auto text = in.text();
  if (!text) return wrong_type("a string");
  check_text(*text, rules);
  if (!problem_) out = *text;
}

std::optional<std::size_t> JsonReader::read_name(JsonValue in, std::span<const std::string_view> names) {
  const auto text = in.text();
  if (!text) {
    wrong_type("a string");
    return std::nullopt;
  }
  const auto found = std::ranges::find(names, *text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  broken_rule(fmt::format("is not one of {}", fmt::join(names, ", ")));
  return std::nullopt;
}

void JsonReader::read(JsonValue in, const Rules& rules, std::int64_t& out) {
  const auto value = in.integer();
  if (!value) return wrong_type("an integer");
  if (!within(*value, rules)) return broken_rule(fmt::format("is {}, allowed is {}", *value, bounds(rules)));
  out = *value;
}

void JsonReader::read(JsonValue in, const Rules& rules, std::int32_t& out) {
  std::int64_t wide = 0;
  read(in, rules, wide);
  if (wide < INT32_MIN || wide > INT32_MAX) return wrong_type("an integer of 32 bits");
  out = static_cast<std::int32_t>(wide);
}

void JsonReader::read(JsonValue in, const Rules&, base::WallTime& out) {
  const auto seconds = in.number();
  if (!seconds) return wrong_type("a number of seconds since 1970");
  static constexpr double kYear9999 = 253402300800.0;
  if (!(*seconds >= 0 && *seconds < kYear9999)) return broken_rule("is not a time between 1970 and 9999");
  out = base::from_microseconds(std::llround(*seconds * 1e6));
}

void JsonReader::read(JsonValue in, const Rules&, bool& out) {
  const auto value = in.boolean();
  if (!value) return wrong_type("true or false");
  out = *value;
}

}  // namespace aws
