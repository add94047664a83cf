// SPDX-License-Identifier: Apache-2.0
#pragma once
// Field descriptors: what the generated structs say about themselves. The codec (aws/json.hpp) is written once over
// them. Every rule comes from the model.
//
//   struct CreateStreamInput {
//     std::string stream_name;                  // required
//     std::optional<std::string> media_type;    // not required
//     std::map<std::string, std::string> tags;  // containers are never optional: absent is empty
//     static constexpr auto fields();           // a tuple of Field
//   };

#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>

namespace aws {

class Pattern;  // aws/pattern.hpp

struct Rules {
  bool required = false;
  bool write_empty = false;                                     // an empty container is written too (responses)
  std::int64_t min = std::numeric_limits<std::int64_t>::min();  // length of strings and containers, value of numbers
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  const Pattern* pattern = nullptr;
  const Rules* element = nullptr;  // of list elements and map values
  const Rules* key = nullptr;      // of map keys
};

template <class Owner, class Member>
struct Field {
  std::string_view wire_name;
  Member Owner::* member;
  Rules rules;
};

constexpr Rules required(Rules rules) {
  rules.required = true;
  return rules;
}
constexpr Rules write_empty(Rules rules) {
  rules.write_empty = true;
  return rules;
}

template <class Owner, class Member>
constexpr Field<Owner, Member> field(std::string_view wire_name, Member Owner::* member, Rules rules = {}) {
  return {wire_name, member, rules};
}

}  // namespace aws
