// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a call of our own API carries besides its signature: names in the path, arguments in the query, a body.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace api {

// Percent-decoding; a '%' without two digits stays as it is.
std::string decode_percent(std::string_view text);
// The first value of `name` in a query, decoded.
std::optional<std::string> find_query_value(std::string_view query, std::string_view name);

struct ReadRequest {
  std::string name;   // what stands for {name} in the path
  std::string query;  // as sent
  std::string body;   // of what changes something

  std::optional<std::string> find(std::string_view argument) const { return find_query_value(query, argument); }
  // Epoch seconds or ISO 8601; InvalidArgument names the argument.
  base::Result<std::optional<base::WallTime>> time(std::string_view argument) const;
  // 1..`most`, or `usual` when it is not there.
  base::Result<std::size_t> count(std::string_view argument, std::size_t usual, std::size_t most) const;
  // InvalidArgument for an argument that is neither in the list nor part of a signature: a misspelt one must not be
  // overlooked.
  base::Result<void> allow(std::initializer_list<std::string_view> arguments) const;
};

}  // namespace api
