// SPDX-License-Identifier: Apache-2.0
#include "api/gateway.hpp"

#include <algorithm>

#include "api/answers.hpp"
#include "api/cors.hpp"
#include "api/exchange_bodies.hpp"
#include "api/header_arguments.hpp"
#include "api/server_urls.hpp"
#include "async/shard.hpp"
#include "aws/signaling.hpp"
#include "base/log.hpp"

namespace api {

namespace {

// The role is the path; a client that was given a bare host connects to "/", and only viewers name themselves.
const aws::Operation* find_websocket_row(const net::HttpRequest& request) {
  if (request.method != "GET") return nullptr;
  if (request.path == aws::signaling::ConnectAsMaster::row().path) return &aws::signaling::ConnectAsMaster::row();
  if (request.path == aws::signaling::ConnectAsViewer::row().path) return &aws::signaling::ConnectAsViewer::row();
  if (request.path != "/" || !request.headers.has_token("Upgrade", "websocket")) return nullptr;
  const bool names_itself = request.query.find("X-Amz-ClientId=") != std::string::npos;
  return names_itself ? &aws::signaling::ConnectAsViewer::row() : &aws::signaling::ConnectAsMaster::row();
}

const aws::Operation* find_row(const net::HttpRequest& request) {
  if (const auto* row = find_websocket_row(request)) return row;
  return aws::find_operation(request.method, request.path);
}

aws::Error unknown_operation(const net::HttpRequest& request) {
  if (aws::is_operation_path(request.path)) {
    return {aws::kMethodNotAllowed, request.path + " is not served by the method " + request.method.substr(0, 16)};
  }
  return {aws::kUnknownOperation, "there is no operation at this path"};
}

// "/" is an address for the signaling sockets of clients that were given a bare host; only browsers ask it for a page.
bool asks_for_page(const net::HttpRequest& request) {
  const auto accepted = request.headers.find("Accept");
  return request.path == "/" && accepted && accepted->contains("text/html") && !request.headers.find("Upgrade");
}

aws::Error not_served(const aws::Operation& operation) {
  return {aws::kOperationNotServed, std::string(operation.name) + " is not served by this server yet"};
}

}  // namespace

Gateway::Gateway(GatewayOptions options, aws::sigv4::FindKey find_key, const Handlers& handlers,
                 SignalingDoor* signaling, base::Random& random)
    : options_(std::move(options)),
      find_key_(std::move(find_key)),
      handlers_(handlers),
      signaling_(signaling),
      random_(random) {
  if (!options_.wall_clock) options_.wall_clock = [] { return async::wall_now(); };
}

// The steps. Load is shed before them (net::HttpServerOptions: connections, requests, header bytes, timeouts).
async::Task<void> Gateway::serve(net::HttpExchange& exchange) {
  Call call = begin(exchange);                                  // request id, caller, the URLs to hand out
  const bool was_plain = co_await serve_plain(call, exchange);  // CORS preflight, health, metrics, unsigned routes
  if (was_plain) co_return;
  if (exchange.request().path.starts_with(kOwnReads)) {  // our own reads: signature, row, handler; counters, audit
    co_await serve_read(call, exchange);
    co_return;
  }
  const aws::Operation* operation = find_row(exchange.request());
  if (operation == nullptr) {
    metrics_.count_other(404);
    co_await respond_error(nullptr, call, exchange, unknown_operation(exchange.request()));
    co_return;
  }
  co_await serve_operation(*operation, call, exchange);  // body, signature, policies, limits, decode, handler
}

Call Gateway::begin(const net::HttpExchange& exchange) const {
  const net::HttpRequest& request = exchange.request();
  ServerUrls urls = make_server_urls(request, options_.public_url, options_.https_port);
  Call call;
  call.request_id = random_.uuid();
  call.account_id = options_.account_id;
  call.region = options_.region;
  call.caller = request.remote;
  call.received_at = options_.wall_clock();
  call.base_url = std::move(urls.base);
  call.wss_url = std::move(urls.wss);
  return call;
}

async::Task<bool> Gateway::serve_plain(const Call& call, net::HttpExchange& exchange) {
  const net::HttpRequest& request = exchange.request();
  if (request.method == "OPTIONS") {
    metrics_.count_other(204);
    (void)co_await exchange.respond(make_preflight_response(request));
    co_return true;
  }
  if (request.method != "GET" && request.method != "HEAD") co_return false;
  if (request.path == "/healthz") {
    co_await respond_text(exchange, call, 200, "ok\n", "text/plain");
    co_return true;
  }
  if (request.path == "/readyz") {
    const std::optional<std::string> trouble = options_.trouble ? options_.trouble() : std::nullopt;
    co_await respond_text(exchange, call, trouble ? 503 : 200, trouble ? "not ready: " + *trouble + "\n" : "ready\n",
                          "text/plain");
    co_return true;
  }
  if (request.path == "/metrics") {
    co_await serve_metrics(call, exchange);
    co_return true;
  }
  if (!options_.home.empty() && asks_for_page(request)) {
    metrics_.count_other(302);
    net::HttpResponse redirect = make_response(exchange, call, 302);
    redirect.headers.add("Location", options_.home);
    (void)co_await exchange.respond(std::move(redirect));
    co_return true;
  }
  const Handlers::Route* route = handlers_.find_route(request.path);
  if (route == nullptr) co_return false;
  metrics_.count_other(200);
  co_await (*route)(call, exchange);
  co_return true;
}

async::Task<void> Gateway::serve_metrics(const Call& call, net::HttpExchange& exchange) {
  const auto given = exchange.request().headers.find("Authorization");
  const std::string expected = "Bearer " + options_.metrics_token;
  const bool has_token = !options_.metrics_token.empty() && given &&
                         base::equal_in_constant_time(base::as_bytes(*given), base::as_bytes(expected));
  if (!call.caller.ip.is_loopback() && !has_token) {
    co_await respond_text(exchange, call, 401, "metrics need the bearer token of metrics_token\n", "text/plain");
    co_return;
  }
  std::string text = metrics_.text();
  for (const auto& source : options_.metric_sources) text += co_await source();
  co_await respond_text(exchange, call, 200, std::move(text), "text/plain; version=0.0.4");
}

async::Task<void> Gateway::serve_operation(const aws::Operation& operation, Call& call, net::HttpExchange& exchange) {
  switch (operation.kind) {
    case aws::OperationKind::WebSocket:
      co_await serve_websocket(operation, call, exchange);
      break;
    case aws::OperationKind::StreamingResponse:
      co_await serve_streaming(operation, call, exchange);
      break;
    case aws::OperationKind::StreamingRequest:
      co_await serve_streaming_request(operation, call, exchange);
      break;
    case aws::OperationKind::Json:
      co_await serve_json(operation, call, exchange);
      break;
  }
}

aws::Outcome<void> Gateway::verify(Call& call, const net::HttpRequest& request,
                                   std::optional<base::ByteView> body) const {
  std::vector<aws::sigv4::Header> headers;
  headers.reserve(request.headers.size());
  for (const net::HttpHeader& header : request.headers) headers.push_back({header.name, header.value});
  const aws::sigv4::Request signed_request{request.method, request.target, headers};
  auto identity = aws::sigv4::verify(signed_request, aws::sigv4::Payload{body}, find_key_, call.received_at);
  if (!identity) {
    metrics_.count_signature_failure();
    return std::unexpected(std::move(identity).error());
  }
  call.access_key_id = std::move(identity->access_key_id);
  call.principal = std::move(identity->principal);
  return {};
}

aws::Outcome<void> Gateway::check(const aws::Operation& operation, Call& call, const net::HttpRequest& request,
                                  std::optional<base::ByteView> body, std::string_view arguments) const {
  if (auto verified = verify(call, request, body); !verified) return verified;
  return authorize(operation, arguments, call, options_.find_arn);
}

aws::Outcome<Admission> Gateway::admit(const aws::Operation& operation, std::string_view arguments, const Call& call,
                                       const std::string& holder) const {
  Throttle* throttle = options_.throttle;
  if (throttle == nullptr) return Admission{};
  const std::string resource = throttle->needs_resource(operation)
                                   ? first_resource(operation, arguments, call, options_.find_arn)
                                   : std::string("*");
  return throttle->admit(operation, resource, holder.empty() ? call.request_id : holder, async::now());
}

async::Task<aws::Outcome<std::string>> Gateway::read_and_check(const aws::Operation& operation, Call& call,
                                                               net::HttpExchange& exchange) {
  auto body = co_await exchange.read_body(options_.max_body_bytes);
  if (!body) co_return std::unexpected(body_error(std::move(body).error()));
  auto checked = check(operation, call, exchange.request(), base::as_bytes(*body), *body);
  if (!checked) co_return std::unexpected(std::move(checked).error());
  co_return *std::move(body);
}

async::Task<aws::Outcome<std::string>> Gateway::read_and_call(const aws::Operation& operation, Call& call,
                                                              net::HttpExchange& exchange) {
  auto body = co_await read_and_check(operation, call, exchange);
  if (!body) co_return std::unexpected(std::move(body).error());
  const Handlers::Erased* handler = handlers_.find(operation);
  if (handler == nullptr) co_return std::unexpected(not_served(operation));
  const auto admission = admit(operation, *body, call);
  if (!admission) co_return std::unexpected(admission.error());
  auto outcome = co_await fence(call, (*handler)(call, *body));
  co_return outcome;
}

async::Task<void> Gateway::serve_json(const aws::Operation& operation, Call& call, net::HttpExchange& exchange) {
  auto outcome = co_await read_and_call(operation, call, exchange);
  if (!outcome) {
    co_await respond_error(&operation, call, exchange, outcome.error());
    co_return;
  }
  co_await respond_text(exchange, call, 200, *std::move(outcome), kJson);
  record(operation, call, 200, {});
}

async::Task<void> Gateway::serve_streaming(const aws::Operation& operation, Call& call, net::HttpExchange& exchange) {
  auto body = co_await read_and_check(operation, call, exchange);
  if (!body) {
    co_await respond_error(&operation, call, exchange, body.error());
    co_return;
  }
  const Handlers::ErasedStreaming* handler = handlers_.find_streaming(operation);
  if (handler == nullptr) {
    co_await respond_error(&operation, call, exchange, not_served(operation));
    co_return;
  }
  auto admission = admit(operation, *body, call);
  if (!admission) {
    co_await respond_error(&operation, call, exchange, admission.error());
    co_return;
  }
  Pace pace(options_.throttle, *admission);
  ExchangeBody response(exchange, call, &pace, options_.has_key);
  const auto outcome = co_await fence(call, (*handler)(call, *body, response));
  co_await end_streaming(operation, call, exchange, outcome);
}

// The body is not signed and not read here: the handler reads it while it answers.
async::Task<void> Gateway::serve_streaming_request(const aws::Operation& operation, Call& call,
                                                   net::HttpExchange& exchange) {
  const std::string arguments = headers_as_json(exchange.request().headers);
  if (auto checked = check(operation, call, exchange.request(), std::nullopt, arguments); !checked) {
    co_await respond_error(&operation, call, exchange, checked.error());
    co_return;
  }
  const Handlers::ErasedStreamingRequest* handler = handlers_.find_streaming_request(operation);
  if (handler == nullptr) {
    co_await respond_error(&operation, call, exchange, not_served(operation));
    co_return;
  }
  auto admission = admit(operation, arguments, call);
  if (!admission) {
    co_await respond_error(&operation, call, exchange, admission.error());
    co_return;
  }
  Pace pace(options_.throttle, *admission);
  ExchangeInput request(exchange, call, pace, options_.has_key);
  ExchangeBody response(exchange, call, nullptr, options_.has_key);
  const auto outcome = co_await fence(call, (*handler)(call, arguments, request, response));
  co_await end_streaming(operation, call, exchange, outcome);
}

async::Task<void> Gateway::end_streaming(const aws::Operation& operation, const Call& call, net::HttpExchange& exchange,
                                         const aws::Outcome<void>& outcome) {
  if (!outcome && !exchange.has_responded()) {
    co_await respond_error(&operation, call, exchange, outcome.error());
    co_return;
  }
  // After an error in mid-stream the answer is not finished, so the client sees that it was cut. A second end is none.
  if (outcome) (void)co_await exchange.finish();
  record(operation, call, 200, outcome ? std::string_view() : "Cut");
}

async::Task<void> Gateway::serve_websocket(const aws::Operation& operation, Call& call, net::HttpExchange& exchange) {
  auto connect = check_connect(operation, call, exchange);
  if (!connect) {
    co_await respond_error(&operation, call, exchange, connect.error());
    co_return;
  }
  auto socket = co_await exchange.accept_websocket(signaling_->websocket_options());
  if (!socket) {
    record(operation, call, 400, "Handshake");
    co_return;
  }
  record(operation, call, 101, {});
  std::function<bool()> may_stay;
  if (options_.has_key) may_stay = [this, id = call.access_key_id] { return options_.has_key(id); };
  co_await signaling_->serve(*std::move(socket), connect->role, std::move(connect->channel_arn),
                             std::move(connect->client_id), std::move(may_stay));
}

// Arguments are query parameters; the rules are those of the model.
aws::Outcome<Gateway::Connect> Gateway::check_connect(const aws::Operation& operation, Call& call,
                                                      const net::HttpExchange& exchange) const {
  const net::HttpRequest& request = exchange.request();
  const std::string arguments = aws::sigv4::query_as_json(request.query, "X-Amz-");
  if (auto checked = check(operation, call, request, base::ByteView(), arguments); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  Connect connect;
  const bool is_viewer = &operation == &aws::signaling::ConnectAsViewer::row();
  connect.role = is_viewer ? sessions::Role::Viewer : sessions::Role::Master;
  if (is_viewer) {
    auto input = aws::decode<aws::signaling::ConnectAsViewerInput>(arguments);
    if (!input) return std::unexpected(std::move(input).error());
    connect.channel_arn = std::move(input->channel_arn);
    connect.client_id = std::move(input->client_id);
  } else {
    // Some samples name themselves as master too; the name means nothing.
    auto input = aws::decode<aws::signaling::ConnectAsMasterInput>(arguments);
    if (!input) return std::unexpected(std::move(input).error());
    connect.channel_arn = std::move(input->channel_arn);
  }
  if (signaling_ == nullptr) return aws::fail(aws::kOperationNotServed, "this server has no signaling");
  if (!exchange.is_websocket_request()) return base::fail(base::Errc::InvalidArgument, "this is a WebSocket endpoint");
  auto allowed = signaling_->check_connect(connect.role, connect.channel_arn, connect.client_id);
  if (!allowed) return base::fail(std::move(allowed).error());
  auto admission = admit(operation, arguments, call, connect.client_id);
  if (!admission) return std::unexpected(std::move(admission).error());
  connect.admission = *std::move(admission);
  return connect;
}

namespace {
// A row of no model spells the member of its text as the service of the call does (contract 1.0).
aws::ErrorKind spelled_for(const aws::Operation* operation, aws::ErrorKind kind) {
  const auto is_same = [&](const aws::ErrorKind* row) { return row->code == kind.code; };
  if (operation == nullptr || std::ranges::any_of(operation->errors, is_same)) return kind;
  kind.message_case = aws::find_error_kind(*operation, base::Errc::InvalidArgument).message_case;
  return kind;
}
}  // namespace

async::Task<void> Gateway::respond_error(const aws::Operation* operation, const Call& call, net::HttpExchange& exchange,
                                         const aws::Error& error) {
  const aws::ErrorKind& kind = error.kind != nullptr  ? *error.kind
                               : operation != nullptr ? aws::find_error_kind(*operation, error.code)
                                                      : aws::kInternalFailure;
  std::string message = error.message;
  if (&kind == &aws::kInternalFailure) {
    base::log_error("request {}: {}", call.request_id, error.message);
    message = "internal failure; the server's log says more under the request id " + call.request_id;
  }
  net::HttpResponse response = make_response(exchange, call, kind.http_status);
  response.headers.add("x-amzn-ErrorType", std::string(kind.code));
  response.headers.add("Content-Type", std::string(kJson));
  response.body = aws::render_error_body(spelled_for(operation, kind), message);
  (void)co_await exchange.respond(std::move(response));
  if (operation != nullptr) record(*operation, call, kind.http_status, kind.code);
}

void Gateway::record(const aws::Operation& operation, const Call& call, int status, std::string_view error_code) const {
  const base::Duration took = options_.wall_clock() - call.received_at;
  metrics_.count(operation, status, took);
  if (!options_.audit) return;
  const std::string caller = call.caller.text();
  options_.audit({call.request_id, operation.name, call.access_key_id, caller, status, error_code, took});
}

}  // namespace api
