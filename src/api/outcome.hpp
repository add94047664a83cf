// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a handler's coroutine is written: `co_return` of an Outcome from the domain's Result.

#include <optional>
#include <string>

#include "async/task.hpp"
#include "aws/error.hpp"

namespace api {

template <class T>
using Answer = async::Task<aws::Outcome<T>>;

// The domain's error as one row that base::Errc alone would not choose: limits differ by resource.
inline aws::Error limit_as(base::Error error, const aws::ErrorKind& kind) {
  if (error.code == base::Errc::LimitExceeded) return {kind, std::move(error.message)};
  return {std::move(error)};
}

// Empty text is an absent member.
inline std::optional<std::string> if_not_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace api
