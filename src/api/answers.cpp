// SPDX-License-Identifier: Apache-2.0
#include "api/answers.hpp"

#include "api/cors.hpp"

namespace api {

net::HttpResponse make_response(const net::HttpExchange& exchange, const Call& call, int status) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("x-amzn-RequestId", call.request_id);
  add_cors_headers(exchange.request(), response.headers);
  return response;
}

async::Task<void> respond_text(net::HttpExchange& exchange, const Call& call, int status, std::string body,
                               std::string_view content_type) {
  net::HttpResponse response = make_response(exchange, call, status);
  response.headers.add("Content-Type", std::string(content_type));
  response.body = std::move(body);
  // A client that has gone needs no answer.
  (void)co_await exchange.respond(std::move(response));
}

aws::Error body_error(base::Error error) {
  if (error.code == base::Errc::LimitExceeded) return {aws::kRequestTooLarge, std::move(error.message)};
  return {aws::kSerialization, "the request body did not arrive: " + error.message};
}

}  // namespace api
