// SPDX-License-Identifier: Apache-2.0
#include "aws/json_document.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "base/check.hpp"

namespace aws {

namespace json = boost::json;

namespace {
const json::value& as_value(const void* value) {
  return *static_cast<const json::value*>(value);
}

std::unexpected<Error> malformed(std::string why) {
  return fail(kSerialization, std::move(why));
}
}  // namespace

struct JsonDocument::State {
  json::monotonic_resource memory;
  json::value root;
};

JsonDocument::JsonDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

JsonValue JsonDocument::root() const {
  return JsonValue(&state_->root);
}

Outcome<JsonDocument> JsonDocument::parse(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) text = "{}";
  if (text.size() > kMaxJsonBytes) return malformed("the request body is too large");
  auto state = std::make_unique<State>();
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code problem;
  state->root = json::parse(json::string_view(text.data(), text.size()), problem, &state->memory, options);
  if (problem) return malformed("the request body is not valid JSON: " + problem.message());
  if (!state->root.is_object()) return malformed("the request body is not a JSON object");
  return JsonDocument(std::move(state));
}

bool JsonValue::is_null() const {
  return value_ == nullptr || as_value(value_).is_null();
}
bool JsonValue::is_object() const {
  return value_ != nullptr && as_value(value_).is_object();
}
bool JsonValue::is_array() const {
  return value_ != nullptr && as_value(value_).is_array();
}

std::optional<std::string_view> JsonValue::text() const {
  if (value_ == nullptr || !as_value(value_).is_string()) return std::nullopt;
  const json::string& text = as_value(value_).get_string();
  return std::string_view(text.data(), text.size());
}

std::optional<bool> JsonValue::boolean() const {
  if (value_ == nullptr || !as_value(value_).is_bool()) return std::nullopt;
  return as_value(value_).get_bool();
}

std::optional<std::int64_t> JsonValue::integer() const {
  if (value_ == nullptr) return std::nullopt;
  if (as_value(value_).is_int64()) return as_value(value_).get_int64();
  const auto real = number();
  static constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!real || std::abs(*real) > kExact || std::trunc(*real) != *real) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}

std::optional<double> JsonValue::number() const {
  if (value_ == nullptr) return std::nullopt;
  const json::value& value = as_value(value_);
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return std::nullopt;
}

JsonValue JsonValue::find(std::string_view name) const {
  if (!is_object()) return {};
  return JsonValue(as_value(value_).get_object().if_contains(json::string_view(name.data(), name.size())));
}

std::size_t JsonValue::size() const {
  if (is_array()) return as_value(value_).get_array().size();
  return is_object() ? as_value(value_).get_object().size() : 0;
}

JsonValue JsonValue::element(std::size_t index) const {
  CHECK(is_array() && index < size());
  return JsonValue(&as_value(value_).get_array()[index]);
}

std::string_view JsonValue::member_name(std::size_t index) const {
  CHECK(is_object() && index < size());
  const auto key = (as_value(value_).get_object().begin() + static_cast<std::ptrdiff_t>(index))->key();
  return {key.data(), key.size()};
}

JsonValue JsonValue::member(std::size_t index) const {
  CHECK(is_object() && index < size());
  return JsonValue(&(as_value(value_).get_object().begin() + static_cast<std::ptrdiff_t>(index))->value());
}

}  // namespace aws
