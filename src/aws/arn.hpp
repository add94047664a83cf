// SPDX-License-Identifier: Apache-2.0
#pragma once
// Amazon resource names as this service writes them:
//   arn:aws:kinesisvideo:<region>:<12-digit account>:stream/<name>/<13-digit creation time in ms>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aws {

struct Arn {
  enum class Type : std::uint8_t { Stream, Channel };
  std::string partition = "aws";
  std::string region;
  std::string account;
  Type type = Type::Stream;
  std::string name;
  std::int64_t created_ms = 0;

  std::string text() const;
  friend bool operator==(const Arn&, const Arn&) = default;
};

// Accepts exactly what text() writes, up to 1,024 characters, with any partition that starts with "aws"; a creation
// time of another length than 13 digits is accepted too (hand-made ARNs in tests), a leading zero is not.
std::optional<Arn> parse_arn(std::string_view text);

}  // namespace aws
