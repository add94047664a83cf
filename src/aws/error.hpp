// SPDX-License-Identifier: Apache-2.0
#pragma once
// Errors as an AWS client sees them: a row of the model and a message. The rows of each service are generated
// (aws/kinesisvideo.hpp and its neighbours); the few that no model names are at the end of this file.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace aws {

// The services differ in how they spell the member that carries the text.
enum class MessageCase : std::uint8_t { Upper, Lower };  // {"Message": ...} or {"message": ...}

struct ErrorKind {
  std::string_view code;  // "ResourceNotFoundException"
  int http_status = 500;
  MessageCase message_case = MessageCase::Upper;
};

// What a handler gives back when it fails. Either a row that the handler chose, or a base::Error, for which the
// gateway picks the row that the operation models (find_error_kind in aws/operation.hpp): so a handler may TRY anything
// that returns base::Result, and names a row only for what base::Errc cannot tell apart.
struct Error {
  const ErrorKind* kind = nullptr;         // null: chosen from `code`
  base::Errc code = base::Errc::Internal;  // meaningful when kind is null
  std::string message;

  Error(base::Error error) : code(error.code), message(std::move(error.message)) {}  // NOLINT: implicit on purpose
  Error(const ErrorKind& row, std::string text) : kind(&row), message(std::move(text)) {}
};

template <class T>
struct [[nodiscard]] Outcome : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
};

inline std::unexpected<Error> fail(const ErrorKind& kind, std::string message) {
  return std::unexpected<Error>(Error(kind, std::move(message)));
}

// Rows of no model: what the front door itself answers.
inline constexpr ErrorKind kMissingAuthenticationToken{"MissingAuthenticationTokenException", 403};
inline constexpr ErrorKind kIncompleteSignature{"IncompleteSignatureException", 400};
inline constexpr ErrorKind kInvalidClientTokenId{"InvalidClientTokenId", 403};
inline constexpr ErrorKind kExpiredToken{"ExpiredTokenException", 403};
inline constexpr ErrorKind kAccessDenied{"AccessDeniedException", 403};  // where the model has no row of this name
inline constexpr ErrorKind kInvalidSignature{"InvalidSignatureException", 403};
inline constexpr ErrorKind kSerialization{"SerializationException", 400};
inline constexpr ErrorKind kValidation{"ValidationException", 400};
inline constexpr ErrorKind kUnknownOperation{"UnknownOperationException", 404};    // no such path
inline constexpr ErrorKind kOperationNotServed{"UnknownOperationException", 501};  // a row without a handler
inline constexpr ErrorKind kMethodNotAllowed{"UnknownOperationException", 405};
inline constexpr ErrorKind kRequestTooLarge{"RequestEntityTooLargeException", 413};
inline constexpr ErrorKind kInternalFailure{"InternalFailure", 500};
inline constexpr ErrorKind kServiceUnavailable{"ServiceUnavailable", 503};

// {"Message":"..."} or {"message":"..."}; compact, no escaped slashes.
std::string render_error_body(const ErrorKind& kind, std::string_view message);

}  // namespace aws
