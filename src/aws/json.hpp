// SPDX-License-Identifier: Apache-2.0
#pragma once
// The rest-json codec: JSON text <-> generated structs, over their field descriptors.
//
// Decoding: unknown members are ignored, null is absent. A document that is no JSON, or a member of the wrong type, is
// kSerialization; a broken rule of the model is base::Errc::InvalidArgument, which every operation models. Both name
// the member ("SingleMasterConfiguration.MessageTtlSeconds") and the rule. Encoding: compact, members in the order of
// the model, slashes unescaped, timestamps as fractional epoch seconds.

#include <string>
#include <string_view>

#include "aws/json_read.hpp"
#include "aws/json_write.hpp"

namespace aws {

// An empty body counts as {}.
template <class T>
Outcome<T> decode(std::string_view body) {
  auto document = JsonDocument::parse(body);
  if (!document) return std::unexpected(std::move(document).error());
  T value{};
  JsonReader reader;
  reader.read_object(document->root(), value);
  if (auto problem = reader.take_problem()) return std::unexpected(*std::move(problem));
  return value;
}

template <class T>
std::string encode(const T& value) {
  std::string out;
  write_object(out, value);
  return out;
}

}  // namespace aws
