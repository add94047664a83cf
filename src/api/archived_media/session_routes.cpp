// SPDX-License-Identifier: Apache-2.0
// The GETs of a streaming session: no signature, the token in the query is the right to read.

#include <algorithm>
#include <charconv>

#include "api/cors.hpp"
#include "api/media_handlers.hpp"
#include "api/read_request.hpp"
#include "async/shard.hpp"
#include "aws/error.hpp"
#include "net/http_server.hpp"

namespace api {
namespace {

using async::Task;

constexpr std::string_view kPrefixes[] = {"/hls/v1/", "/dash/v1/"};
constexpr std::uint32_t kLongestSide = 16'384;

net::HttpResponse make_refusal(const aws::ErrorKind& kind, const std::string& message, const std::string& request_id) {
  net::HttpResponse response;
  response.status = kind.http_status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("x-amzn-ErrorType", std::string(kind.code));
  response.headers.add("x-amzn-RequestId", request_id);
  response.body = aws::render_error_body(kind, message);
  return response;
}

net::HttpResponse make_error(const base::Error& error, const std::string& request_id) {
  aws::ErrorKind kind{"InternalFailure", 500};
  if (error.code == base::Errc::InvalidArgument) kind = {"InvalidArgumentException", 400};
  if (error.code == base::Errc::AccessDenied) kind = {"NotAuthorizedException", 403};
  if (error.code == base::Errc::NotFound) kind = {"ResourceNotFoundException", 404};
  if (error.code == base::Errc::Unsupported) kind = {"UnsupportedStreamMediaTypeException", 400};
  if (error.code == base::Errc::LimitExceeded) kind = {"InvalidCodecPrivateDataException", 400};
  if (error.code == base::Errc::Unavailable) kind = {"ServiceUnavailable", 503};
  return make_refusal(kind, error.message, request_id);
}

// Of a picture, in pixels; 0 when it is none.
std::uint32_t read_side(const std::optional<std::string>& text) {
  std::uint32_t side = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), side);
  return side <= kLongestSide ? side : 0;
}

// What is no number counts as too far away, which is an answer of 400.
std::optional<std::uint64_t> read_count(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (error != std::errc() || end != text->data() + text->size()) return UINT32_MAX;
  return std::min<std::uint64_t>(count, UINT32_MAX);
}

Task<void> serve(const MediaServices services, const Call& call, net::HttpExchange& exchange) {
  const net::HttpRequest& request = exchange.request();
  streams::SessionFetch fetch;
  fetch.resource = request.path.substr(request.path.rfind('/') + 1);
  fetch.token = find_query_value(request.query, "SessionToken").value_or("");
  fetch.track_number = find_query_value(request.query, "TrackNumber");
  fetch.fragment_number = find_query_value(request.query, "FragmentNumber");
  fetch.time = find_query_value(request.query, "Time");
  fetch.from_picture = find_query_value(request.query, "From") == "Picture";
  fetch.timescale = find_query_value(request.query, "Timescale");
  fetch.init.codec = find_query_value(request.query, "Codec").value_or("");
  fetch.init.codec_private = find_query_value(request.query, "CodecPrivate");
  fetch.init.width = read_side(find_query_value(request.query, "PixelWidth"));
  fetch.init.height = read_side(find_query_value(request.query, "PixelHeight"));
  fetch.part = read_count(find_query_value(request.query, "Part"));
  const auto low_latency = find_query_value(request.query, "LowLatency");
  if (low_latency) fetch.low_latency = *low_latency == "true";
  fetch.reload.msn = read_count(find_query_value(request.query, "_HLS_msn"));
  fetch.reload.part = read_count(find_query_value(request.query, "_HLS_part"));
  fetch.reload.skip = find_query_value(request.query, "_HLS_skip").has_value();
  if (services.throttle != nullptr) {
    const auto admitted = services.throttle->admit_session(fetch.token, fetch.resource, async::now());
    if (!admitted) {
      net::HttpResponse refusal = make_refusal(*admitted.error().kind, admitted.error().message, call.request_id);
      add_cors_headers(request, refusal.headers);
      [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(refusal));
      co_return;
    }
  }
  auto answer = co_await services.streaming.answer(std::move(fetch), async::wall_now());
  net::HttpResponse response;
  if (answer) {
    response.headers.add("Content-Type", answer->content_type);
    response.headers.add("Cache-Control", answer->cacheable ? "private, max-age=3600" : "no-cache");
    response.body = std::move(answer->body);
    response.shared_body = std::move(answer->segment);
  } else {
    response = make_error(answer.error(), call.request_id);
  }
  add_cors_headers(request, response.headers);
  // A client that has gone is the connection's business.
  [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(response));
}

}  // namespace

void add_session_routes(Handlers& handlers, MediaServices services) {
  for (const std::string_view prefix : kPrefixes) {
    handlers.add_route(std::string(prefix), [services](const Call& call, net::HttpExchange& exchange) {
      return serve(services, call, exchange);
    });
  }
}

}  // namespace api
