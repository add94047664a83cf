// SPDX-License-Identifier: Apache-2.0
#pragma once
// Expected failures of the control path. Bugs are CHECKs; bad packets are counters.

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace base {

// What kind of failure a caller can tell apart. The API room maps each to an AWS error in one place.
enum class Errc {
  InvalidArgument,  // the caller's input breaks a rule; the message names the member and the rule
  NotFound,         // the named thing does not exist
  AlreadyExists,    // a thing with this name exists
  InUse,            // the state of the thing forbids the call
  VersionMismatch,  // an optimistic lock failed
  NoRetention,      // the stream keeps nothing
  LimitExceeded,    // a configured limit is reached
  AccessDenied,     // known caller, not allowed
  NotAuthorized,    // unknown caller or bad signature
  Unsupported,      // well-formed, but this server does not do it
  Corrupt,          // stored or received bytes do not parse
  Incomplete,       // stored or received bytes lack a part that is needed
  Io,               // disk or socket failed
  Unavailable,      // try again later
  Cancelled,        // the owner is going away
  Internal,
};

struct [[nodiscard]] Error {
  Errc code = Errc::Internal;
  std::string message;  // names what was wrong, where, and what to do; never holds a secret

  // Adds where it happened, once, at the boundary of a room: "writing fragment 17 of cam-1: disk full".
  Error with_context(std::string_view context) && {
    message = std::string(context) + ": " + message;
    return std::move(*this);
  }
};

template <class T>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
};

inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected<Error>(Error{code, std::move(message)});
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace base

#define TIDEGATE_CONCAT_INNER(a, b) a##b
#define TIDEGATE_CONCAT(a, b) TIDEGATE_CONCAT_INNER(a, b)
#define TIDEGATE_TRY(temporary, declaration, give_back, ...)            \
  auto temporary = __VA_ARGS__;                                         \
  if (!temporary) give_back ::base::fail(std::move(temporary).error()); \
  declaration = *std::move(temporary)

// TRY(auto value, parse(text)); hands the error to the caller or binds the value.
#define TRY(declaration, ...) TIDEGATE_TRY(TIDEGATE_CONCAT(try_, __LINE__), declaration, return, __VA_ARGS__)
// The same inside a coroutine: CO_TRY(auto value, co_await load(key));
#define CO_TRY(declaration, ...) TIDEGATE_TRY(TIDEGATE_CONCAT(try_, __LINE__), declaration, co_return, __VA_ARGS__)
// For Result<void>.
#define TRY_VOID(...) \
  if (auto try_void = __VA_ARGS__; !try_void) return ::base::fail(std::move(try_void).error())
#define CO_TRY_VOID(...) \
  if (auto try_void = __VA_ARGS__; !try_void) co_return ::base::fail(std::move(try_void).error())
