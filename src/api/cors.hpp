// SPDX-License-Identifier: Apache-2.0
#pragma once
// What browsers need to read our answers from another origin (Fetch standard, section 3.2). Every answer to a request
// with an Origin gets it; the gateway does it for operations, routes call add_cors_headers() themselves.

#include "net/http_message.hpp"

namespace api {

// Nothing is added when the request names no origin: webrtc-sdk-c wants small answers.
void add_cors_headers(const net::HttpRequest& request, net::HttpHeaders& headers);

// The answer to an OPTIONS request.
net::HttpResponse make_preflight_response(const net::HttpRequest& request);

}  // namespace api
