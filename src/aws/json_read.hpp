// SPDX-License-Identifier: Apache-2.0
#pragma once
// Decoding over field descriptors. The first problem wins; what is read after it does not matter.

#include <concepts>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "aws/field.hpp"
#include "aws/json_document.hpp"
#include "base/time.hpp"

namespace aws {

template <class T>
concept Structure = requires { T::fields(); };
template <class T>
concept WireEnum = std::is_enum_v<T> && requires(T value) { wire_names(value); };

class JsonReader {
 public:
  template <Structure T>
  void read_object(JsonValue in, T& out);
  std::optional<Error> take_problem() { return std::move(problem_); }

 private:
  template <class T>
  void read_member(JsonValue in, std::string_view name, const Rules& rules, T& out);
  template <Structure T>
  void read(JsonValue in, const Rules&, T& out) {
    read_object(in, out);
  }
  template <WireEnum T>
  void read(JsonValue in, const Rules&, T& out);
  template <class T>
  void read(JsonValue in, const Rules& rules, std::optional<T>& out) {
    read(in, rules, out.emplace());
  }
  template <class T>
  void read(JsonValue in, const Rules& rules, std::vector<T>& out);
  template <class T>
  void read(JsonValue in, const Rules& rules, std::map<std::string, T>& out);
  void read(JsonValue in, const Rules& rules, std::string& out);
  void read(JsonValue in, const Rules& rules, std::int32_t& out);
  void read(JsonValue in, const Rules& rules, std::int64_t& out);
  void read(JsonValue in, const Rules& rules, base::WallTime& out);
  void read(JsonValue in, const Rules& rules, bool& out);

  void check_text(std::string_view text, const Rules& rules);
  void check_count(std::size_t count, const Rules& rules);
  void wrong_type(std::string_view expected);  // kSerialization
  void broken_rule(std::string explanation);   // base::Errc::InvalidArgument
  std::optional<std::size_t> read_name(JsonValue in, std::span<const std::string_view> names);

  std::string path_;  // "SingleMasterConfiguration.MessageTtlSeconds"
  std::optional<Error> problem_;
};

template <Structure T>
void JsonReader::read_object(JsonValue in, T& out) {
  if (!in.is_object()) return wrong_type("an object");
  std::apply(
      [&](const auto&... fields) { (read_member(in, fields.wire_name, fields.rules, out.*(fields.member)), ...); },
      T::fields());
}

template <class T>
void JsonReader::read_member(JsonValue in, std::string_view name, const Rules& rules, T& out) {
  if (problem_) return;
  const std::size_t parent = path_.size();
  if (parent != 0) path_ += '.';
  path_ += name;
  const JsonValue value = in.find(name);
  if (!value.is_null()) {
    read(value, rules, out);
  } else if (rules.required) {
    broken_rule("is required");
  }
  path_.resize(parent);
}

template <WireEnum T>
void JsonReader::read(JsonValue in, const Rules&, T& out) {
  if (const auto index = read_name(in, wire_names(T{}))) out = static_cast<T>(*index);
}

template <class T>
void JsonReader::read(JsonValue in, const Rules& rules, std::vector<T>& out) {
  if (!in.is_array()) return wrong_type("a list");
  check_count(in.size(), rules);
  static constexpr Rules kNone{};
  const std::size_t parent = path_.size();
  for (std::size_t index = 0; index < in.size() && !problem_; ++index) {
    path_ += '[' + std::to_string(index) + ']';
    if (in.element(index).is_null()) {
      broken_rule("is null");
    } else {
      read(in.element(index), rules.element != nullptr ? *rules.element : kNone, out.emplace_back());
    }
    path_.resize(parent);
  }
}

template <class T>
void JsonReader::read(JsonValue in, const Rules& rules, std::map<std::string, T>& out) {
  if (!in.is_object()) return wrong_type("an object");
  check_count(in.size(), rules);
  static constexpr Rules kNone{};
  const std::size_t parent = path_.size();
  for (std::size_t index = 0; index < in.size() && !problem_; ++index) {
    const std::string_view key = in.member_name(index);
    path_ += " key";
    if (rules.key != nullptr) check_text(key, *rules.key);
    path_.resize(parent);
    if (problem_) return;
    path_ += " value";
    read(in.member(index), rules.element != nullptr ? *rules.element : kNone, out[std::string(key)]);
    path_.resize(parent);
  }
}

}  // namespace aws
