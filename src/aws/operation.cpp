// SPDX-License-Identifier: Apache-2.0
#include "aws/operation.hpp"

#include <algorithm>
#include <array>

namespace aws {

namespace {
// Candidates in order of preference: an operation models AccessDenied or NotAuthorized, not both.
std::span<const std::string_view> modelled_names(base::Errc code) {
  using enum base::Errc;
  static constexpr std::array<std::string_view, 1> kArgument{"InvalidArgumentException"};
  static constexpr std::array<std::string_view, 1> kNotFound{"ResourceNotFoundException"};
  static constexpr std::array<std::string_view, 2> kInUse{"ResourceInUseException", "InvalidArgumentException"};
  static constexpr std::array<std::string_view, 2> kVersion{"VersionMismatchException", "InvalidArgumentException"};
  static constexpr std::array<std::string_view, 2> kRetention{"NoDataRetentionException", "InvalidArgumentException"};
  static constexpr std::array<std::string_view, 1> kLimit{"ClientLimitExceededException"};
  static constexpr std::array<std::string_view, 2> kDenied{"AccessDeniedException", "NotAuthorizedException"};
  switch (code) {
    case InvalidArgument:
    case Unsupported:
      return kArgument;
    case NotFound:
      return kNotFound;
    case AlreadyExists:
    case InUse:
      return kInUse;
    case VersionMismatch:
      return kVersion;
    case NoRetention:
      return kRetention;
    case LimitExceeded:
      return kLimit;
    case AccessDenied:
    case NotAuthorized:
      return kDenied;
    case Corrupt:
    case Incomplete:
    case Io:
    case Unavailable:
    case Cancelled:
    case Internal:
      return {};
  }
  return {};
}
}  // namespace

const Operation* find_operation(std::string_view method, std::string_view path) {
  const auto row = std::ranges::find_if(
      operations(), [&](const Operation& operation) { return operation.path == path && operation.method == method; });
  return row == operations().end() ? nullptr : &*row;
}

bool is_operation_path(std::string_view path) {
  return std::ranges::find(operations(), path, &Operation::path) != operations().end();
}

const ErrorKind& find_error_kind(const Operation& operation, base::Errc code) {
  for (const std::string_view name : modelled_names(code)) {
    const auto found = std::ranges::find(operation.errors, name, [](const ErrorKind* kind) { return kind->code; });
    if (found != operation.errors.end()) return **found;
  }
  const bool refused = code == base::Errc::AccessDenied || code == base::Errc::NotAuthorized;
  if (refused) return kAccessDenied;
  if (!modelled_names(code).empty()) return kValidation;
  return code == base::Errc::Unavailable || code == base::Errc::Cancelled ? kServiceUnavailable : kInternalFailure;
}

}  // namespace aws
