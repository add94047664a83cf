// SPDX-License-Identifier: Apache-2.0
#pragma once
// The arguments of an operation that takes them as headers (PutMedia).

#include <string>

#include "net/http_message.hpp"

namespace api {

// "x-amzn-stream-name: cam" becomes {"StreamName":"cam"}; "...-arn" becomes "...ARN". Every value is a string.
std::string headers_as_json(const net::HttpHeaders& headers);

}  // namespace api
