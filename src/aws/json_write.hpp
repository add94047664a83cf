// SPDX-License-Identifier: Apache-2.0
#pragma once
// Encoding over field descriptors: compact, in the order of the model. webrtc-sdk-c reads strings raw, so nothing is
// escaped that RFC 8259 does not demand.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "aws/field.hpp"
#include "aws/json_read.hpp"
#include "base/time.hpp"

namespace aws {

void write_value(std::string& out, std::string_view text);
void write_value(std::string& out, std::int64_t number);
// Seconds since 1970 with as many of six decimals as are needed: 1795389019.582.
void write_value(std::string& out, base::WallTime time);
inline void write_value(std::string& out, bool value) {
  out += value ? "true" : "false";
}
inline void write_value(std::string& out, const std::string& text) {
  write_value(out, std::string_view(text));
}
inline void write_value(std::string& out, std::int32_t number) {
  write_value(out, std::int64_t{number});
}

template <Structure T>
void write_object(std::string& out, const T& value);

template <Structure T>
void write_value(std::string& out, const T& value) {
  write_object(out, value);
}

template <WireEnum T>
void write_value(std::string& out, T value) {
  write_value(out, wire_names(value)[static_cast<std::size_t>(value)]);
}

template <class T>
void write_value(std::string& out, const std::vector<T>& list) {
  out += '[';
  for (const auto& element : list) {
    if (&element != &list.front()) out += ',';
    write_value(out, element);
  }
  out += ']';
}

template <class T>
void write_value(std::string& out, const std::map<std::string, T>& map) {
  out += '{';
  bool first = true;
  for (const auto& [key, element] : map) {
    if (!first) out += ',';
    first = false;
    write_value(out, key);
    out += ':';
    write_value(out, element);
  }
  out += '}';
}

// Absent members are left out; so are empty containers of requests.
template <class T>
bool is_written(const T& value, const Rules& rules) {
  if constexpr (requires { value.has_value(); }) {
    return value.has_value();
  } else if constexpr (requires { value.empty(); } && !std::is_same_v<T, std::string>) {
    return rules.required || rules.write_empty || !value.empty();
  } else {
    return true;
  }
}

template <class T>
void write_member(std::string& out, bool& first, std::string_view name, const Rules& rules, const T& value) {
  if (!is_written(value, rules)) return;
  if (!first) out += ',';
  first = false;
  write_value(out, name);
  out += ':';
  if constexpr (requires { value.has_value(); }) {
    write_value(out, *value);
  } else {
    write_value(out, value);
  }
}

template <Structure T>
void write_object(std::string& out, const T& value) {
  out += '{';
  bool first = true;
  std::apply(
      [&](const auto&... fields) {
        (write_member(out, first, fields.wire_name, fields.rules, value.*(fields.member)), ...);
      },
      T::fields());
  out += '}';
}

}  // namespace aws
