// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace base {
namespace {

struct Calendar {
  int year;
  unsigned month, day, weekday;
  int hour, minute, second, millisecond;
};

Calendar to_calendar(WallTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - days));
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          std::chrono::weekday(days).c_encoding(),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count())};
}

// "" or ".123": up to six digits.
std::optional<std::chrono::microseconds> parse_fraction(std::string_view text) {
  if (text.empty()) return std::chrono::microseconds(0);
  text.remove_prefix(1);
  if (text.empty() || text.size() > 6) return std::nullopt;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    const char digit = i < text.size() ? text[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  return std::chrono::microseconds(value);
}

}  // namespace

std::string to_iso8601(WallTime time) {
  const Calendar c = to_calendar(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", c.year, c.month, c.day, c.hour, c.minute, c.second,
                     c.millisecond);
}

std::string to_basic_iso8601(WallTime time) {
  const Calendar c = to_calendar(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

std::optional<WallTime> parse_basic_iso8601(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const int year = number(0, 4), month = number(4, 2), day = number(6, 2);
  const int hour = number(9, 2), minute = number(11, 2), second = number(13, 2);
  if (year < 0 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<WallTime> parse_time(std::string_view text) {
  const bool is_calendar = text.size() >= 20 && text[10] == 'T' && text.back() == 'Z';
  if (is_calendar) text.remove_suffix(1);
  const std::string_view whole = text.substr(0, text.find('.'));
  const auto fraction = parse_fraction(text.substr(whole.size()));
  if (!fraction) return std::nullopt;
  if (is_calendar) {
    if (whole.size() != 19 || whole[4] != '-' || whole[7] != '-' || whole[13] != ':' || whole[16] != ':') {
      return std::nullopt;
    }
    const auto seconds = parse_basic_iso8601(fmt::format("{}{}{}{}{}Z", whole.substr(0, 4), whole.substr(5, 2),
                                                         whole.substr(8, 5), whole.substr(14, 2), whole.substr(17, 2)));
    return seconds ? std::optional(*seconds + *fraction) : std::nullopt;
  }
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
  static constexpr std::int64_t kMost = 253'402'300'799;  // the end of the year 9999
  if (error != std::errc() || end != whole.data() + whole.size() || seconds < 0 || seconds > kMost) return std::nullopt;
  return from_microseconds(seconds * 1'000'000) + *fraction;
}

std::string to_http_date(WallTime time) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Calendar c = to_calendar(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[c.weekday], c.day, kMonths[c.month - 1], c.year,
                     c.hour, c.minute, c.second);
}

}  // namespace base
