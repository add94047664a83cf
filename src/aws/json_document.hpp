// SPDX-License-Identifier: Apache-2.0
#pragma once
// A parsed JSON text behind a thin door, so that Boost.JSON is compiled in one unit. Values live as long as the
// document.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "aws/error.hpp"

namespace aws {

inline constexpr std::size_t kMaxJsonDepth = 32;
// The largest request of the models is a list of 1,000 fragment numbers of 128 characters.
inline constexpr std::size_t kMaxJsonBytes = 8u << 20;  // answers with images, read by our own client

class JsonValue {
 public:
  JsonValue() = default;  // null
  explicit JsonValue(const void* value) : value_(value) {}

  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  std::optional<std::string_view> text() const;
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;  // 2 and 2.0, not 2.5
  std::optional<double> number() const;

  // A member of an object; a null value when there is none.
  JsonValue find(std::string_view name) const;
  // Elements of an array or members of an object.
  std::size_t size() const;
  JsonValue element(std::size_t index) const;
  std::string_view member_name(std::size_t index) const;
  JsonValue member(std::size_t index) const;

 private:
  const void* value_ = nullptr;
};

class JsonDocument {
 public:
  // Blank text counts as {}. The root is an object, else kSerialization.
  static Outcome<JsonDocument> parse(std::string_view text);
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonValue root() const;

 private:
  struct State;
  explicit JsonDocument(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aws
