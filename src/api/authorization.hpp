// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether the caller's policies allow the call: the step of the gateway between the signature and the handler.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "aws/error.hpp"
#include "aws/operation.hpp"

namespace api {

// The ARN of the stream or channel of this name, if there is one. Any shard.
using FindArn = std::function<std::optional<std::string>(aws::ResourceType type, const std::string& name)>;

// `arguments` is the JSON that the operation will be decoded from. A resource that is named and does not exist (a
// create, or a mistake) is asked for as ".../stream/NAME/*", which is how policies for it are written. An operation
// that names two resources needs both.
//
// AccessDeniedException names the user, the action and the resource, in IAM's words.
aws::Outcome<void> authorize(const aws::Operation& operation, std::string_view arguments, const Call& call,
                             const FindArn& find_arn);

// The first resource that authorize() asks for: what limits count by.
std::string first_resource(const aws::Operation& operation, std::string_view arguments, const Call& call,
                           const FindArn& find_arn);

// For our own reads, which have no row: they tell what ListFragments tells, so they need the right to that. An empty
// name is no resource.
aws::Outcome<void> authorize_read(const std::string& stream_name, const Call& call, const FindArn& find_arn);

}  // namespace api
