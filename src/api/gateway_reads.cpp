// SPDX-License-Identifier: Apache-2.0
// Our own calls under /api/v1/: the same signature as AWS's operations, their own shape of errors (docs/api.md).
#include "api/answers.hpp"
#include "api/gateway.hpp"
#include "aws/json_write.hpp"
#include "base/log.hpp"

namespace api {
namespace {

aws::ErrorKind find_read_error(const aws::Error& error) {
  if (error.kind != nullptr) return *error.kind;
  switch (error.code) {
    case base::Errc::InvalidArgument:
      return {"InvalidArgumentException", 400};
    case base::Errc::NotFound:
      return {"ResourceNotFoundException", 404};
    case base::Errc::LimitExceeded:
      return {"LimitExceededException", 400};
    case base::Errc::NoRetention:
      return {"NoDataRetentionException", 400};
    case base::Errc::Unavailable:
    case base::Errc::Cancelled:
      return aws::kServiceUnavailable;
    default:
      return aws::kInternalFailure;
  }
}

}  // namespace

async::Task<aws::Outcome<std::string>> Gateway::verify_and_read(const Handlers::ReadRow* row, Call& call,
                                                                net::HttpExchange& exchange) const {
  const net::HttpRequest& request = exchange.request();
  ReadRequest read;
  if (request.method != "GET" && request.method != "HEAD") {
    auto body = co_await exchange.read_body(options_.max_body_bytes);
    if (!body) co_return std::unexpected(body_error(std::move(body).error()));
    read.body = *std::move(body);
  }
  // Signature first: without one nobody learns which paths there are.
  if (auto verified = verify(call, request, base::as_bytes(read.body)); !verified) {
    co_return std::unexpected(std::move(verified).error());
  }
  // Then the right to it, for the same reason.
  if (row != nullptr && !row->after.empty()) {
    read.name =
        decode_percent(std::string_view(request.path)
                           .substr(row->before.size(), request.path.size() - row->before.size() - row->after.size()));
  }
  if (auto allowed = authorize_read(read.name, call, options_.find_arn); !allowed) {
    co_return std::unexpected(std::move(allowed).error());
  }
  if (row == nullptr) co_return aws::fail(aws::kUnknownOperation, "there is nothing at this path");
  if (request.method != row->method) {
    co_return aws::fail(aws::kMethodNotAllowed,
                        "this path is not served by the method " + request.method.substr(0, 16));
  }
  read.query = request.query;
  auto outcome = co_await fence(call, row->handler(call, std::move(read)));
  co_return outcome;
}

async::Task<void> Gateway::serve_read(Call& call, net::HttpExchange& exchange) {
  const Handlers::ReadRow* row = handlers_.find_read(exchange.request().path, exchange.request().method);
  auto outcome = co_await verify_and_read(row, call, exchange);
  net::HttpResponse response = make_response(exchange, call, 200);
  response.headers.add("Content-Type", std::string(kJson));
  std::string_view code;
  if (outcome) {
    response.body = *std::move(outcome);
  } else {
    const aws::ErrorKind kind = find_read_error(outcome.error());
    std::string message = outcome.error().message;
    if (kind.http_status == 500) {
      base::log_error("request {}: {}", call.request_id, message);
      message = "internal failure; the server's log says more under the request id " + call.request_id;
    }
    code = kind.code;
    response.status = kind.http_status;
    response.headers.add("x-amzn-ErrorType", std::string(code));
    response.body = "{\"code\":";
    aws::write_value(response.body, code);
    response.body += ",\"message\":";
    aws::write_value(response.body, message);
    response.body += '}';
  }
  const int status = response.status;
  metrics_.count_other(status);
  // A client that has gone needs no answer.
  (void)co_await exchange.respond(std::move(response));
  if (!options_.audit) co_return;
  const std::string pattern = row != nullptr ? row->pattern() : std::string("unknown path");
  const std::string caller = call.caller.text();
  options_.audit(
      {call.request_id, pattern, call.access_key_id, caller, status, code, options_.wall_clock() - call.received_at});
}

}  // namespace api
