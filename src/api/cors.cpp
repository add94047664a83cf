// SPDX-License-Identifier: Apache-2.0
#include "api/cors.hpp"

#include <algorithm>

namespace api {

namespace {
// What the AWS SDKs for JavaScript send; "*" would not cover authorization (Fetch standard, 3.2.5).
constexpr std::string_view kUsualHeaders =
    "amz-sdk-invocation-id,amz-sdk-request,authorization,content-type,range,x-amz-content-sha256,x-amz-date,"
    "x-amz-security-token,x-amz-user-agent";
constexpr std::string_view kExposed = "x-amzn-RequestId,x-amzn-ErrorType,Content-Type,Date";
constexpr std::size_t kMaxRequestedHeaders = 2048;

bool is_header_list(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestedHeaders && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == ',' || c == ' ';
  });
}
}  // namespace

void add_cors_headers(const net::HttpRequest& request, net::HttpHeaders& headers) {
  if (!request.headers.find("Origin")) return;
  // Every request is signed or carries a session token; cookies are never used, so any origin may read.
  headers.add("Access-Control-Allow-Origin", "*");
  headers.add("Access-Control-Expose-Headers", std::string(kExposed));
}

net::HttpResponse make_preflight_response(const net::HttpRequest& request) {
  net::HttpResponse response;
  response.status = 204;
  add_cors_headers(request, response.headers);
  const auto requested = request.headers.find("Access-Control-Request-Headers");
  response.headers.add("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS");
  response.headers.add("Access-Control-Allow-Headers",
                       std::string(requested && is_header_list(*requested) ? *requested : kUsualHeaders));
  response.headers.add("Access-Control-Max-Age", "7200");
  if (request.headers.find("Access-Control-Request-Private-Network")) {
    response.headers.add("Access-Control-Allow-Private-Network", "true");
  }
  return response;
}

}  // namespace api
