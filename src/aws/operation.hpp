// SPDX-License-Identifier: Apache-2.0
#pragma once
// One row per operation, generated from models/ into operations.cpp at build time.
//
// For each operation the generated header of its service also holds a tag that ties the types together:
//   struct CreateStream { using Input = CreateStreamInput; using Output = CreateStreamOutput;
//                         static const Operation& row(); };

#include <cstdint>
#include <span>
#include <string_view>

#include "aws/error.hpp"

namespace aws {

enum class Service : std::uint8_t { KinesisVideo, Signaling, WebrtcStorage, Media, ArchivedMedia };

enum class OperationKind : std::uint8_t {
  Json,               // JSON in, JSON out
  StreamingResponse,  // JSON in, raw body out (GetMedia, GetMediaForFragmentList, GetClip)
  StreamingRequest,   // raw body in (PutMedia); arguments are headers, the body is not signed
  WebSocket,          // ConnectAsMaster, ConnectAsViewer: signed query, then an upgrade
};

// What an ARN in a policy for this operation names.
enum class ResourceType : std::uint8_t { None, Stream, Channel, Either };

struct Operation {
  std::string_view name;  // "CreateStream"
  std::string_view method;
  std::string_view path;
  Service service = Service::KinesisVideo;
  OperationKind kind = OperationKind::Json;
  ResourceType resource = ResourceType::None;
  std::string_view iam_action;               // "kinesisvideo:CreateStream"
  std::span<const ErrorKind* const> errors;  // as modelled
};

// Every row of every service; generated.
std::span<const Operation> operations();

// The row for a method and path (no query), or null.
const Operation* find_operation(std::string_view method, std::string_view path);
// Some operation is served under this path by another method.
bool is_operation_path(std::string_view path);

// The modelled error of `operation` that says `code`: AccessDenied becomes NotAuthorizedException where the model has
// that and AccessDeniedException where it has the other. Falls back to the rows of aws/error.hpp.
const ErrorKind& find_error_kind(const Operation& operation, base::Errc code);

}  // namespace aws
