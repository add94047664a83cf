// SPDX-License-Identifier: Apache-2.0
// The GETs of a streaming session: no signature, the token in the query is the right to read.

#include "api/archived_media/points.hpp"
#include "api/archived_media/session_fetch.hpp"
#include "api/cors.hpp"
#include "api/media_handlers.hpp"
#include "async/shard.hpp"
#include "aws/error.hpp"
#include "net/http_server.hpp"

namespace api {
namespace {

using async::Task;

constexpr std::string_view kPrefixes[] = {"/hls/v1/", "/dash/v1/"};
constexpr aws::ErrorKind kNotAuthorized{"NotAuthorizedException", 403};

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
  if (error.code == base::Errc::AccessDenied) kind = kNotAuthorized;
  if (error.code == base::Errc::NotFound) kind = {"ResourceNotFoundException", 404};
  if (error.code == base::Errc::Unsupported) kind = {"UnsupportedStreamMediaTypeException", 400};
  if (error.code == base::Errc::LimitExceeded) kind = {"InvalidCodecPrivateDataException", 400};
  if (error.code == base::Errc::Unavailable) kind = {"ServiceUnavailable", 503};
  return make_refusal(kind, error.message, request_id);
}

// The rate of the session, whether the key that opened it is still known, and the points of its stream. A token that is
// not ours is refused later.
aws::Outcome<void> admit(const MediaServices& services, const std::optional<streams::StreamingSession>& session,
                         const streams::SessionFetch& fetch) {
  if (services.throttle != nullptr) {
    auto admitted = services.throttle->admit_session(fetch.token, fetch.resource, async::now());
    if (!admitted) return admitted;
  }
  if (!session) return {};
  if (services.has_key && !services.has_key(session->owner)) {
    return aws::fail(kNotAuthorized, "The access key that opened this streaming session has been revoked.");
  }
  Points points;
  if (fetch.resource == "getHLSMediaPlaylist.m3u8" || fetch.resource == "getDASHManifest.mpd") {
    points.metadata = session->max_fragments;
  }
  if (fetch.resource == "getMP4MediaFragment.mp4" || fetch.resource == "getTSFragment.ts") points.media = 1;
  return charge(services, session->stream, points);
}

Task<void> serve(const MediaServices services, const Call& call, net::HttpExchange& exchange) {
  const net::HttpRequest& request = exchange.request();
  streams::SessionFetch fetch = read_session_fetch(request.path, request.query);
  auto session = services.streaming.find(fetch.token);
  if (const auto admitted = admit(services, session, fetch); !admitted) {
    net::HttpResponse refusal = make_refusal(*admitted.error().kind, admitted.error().message, call.request_id);
    add_cors_headers(request, refusal.headers);
    [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(refusal));
    co_return;
  }
  auto answer = co_await services.streaming.answer(std::move(session), std::move(fetch), async::wall_now());
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
