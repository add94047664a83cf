// SPDX-License-Identifier: Apache-2.0
// The console's files. They say nothing of this server's recordings, so that they need no signature; whatever the page
// shows it asks for with one.
#include <algorithm>

#include "api/console.hpp"
#include "aws/json.hpp"
#include "net/http_server.hpp"

namespace api {
namespace {

constexpr std::string_view kPrefix = "/console/";

// Everything from here, nothing inline, nobody frames us. The endpoints that this server hands out may have another
// host or port than the page (public_url, and wss on the HTTPS port).
std::string make_policy(const Call& call) {
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
         "connect-src 'self' " +
         call.base_url + " " + call.wss_url + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

net::HttpResponse make_answer(const Call& call, std::string_view content_type) {
  net::HttpResponse response;
  response.headers.add("Content-Type", std::string(content_type));
  response.headers.add("Content-Security-Policy", make_policy(call));
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.add("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.add("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)");
  response.headers.add("x-amzn-RequestId", call.request_id);
  return response;
}

net::HttpResponse make_redirect(const Call& call) {
  net::HttpResponse response = make_answer(call, "text/plain");
  response.status = 302;
  response.headers.add("Location", std::string(kPrefix));
  return response;
}

// Always compressed: no browser of the last twenty years refuses gzip, and the program carries one form of each file.
net::HttpResponse make_file(const Call& call, const net::HttpRequest& request, const ConsoleFile& file) {
  net::HttpResponse response = make_answer(call, file.content_type);
  response.headers.add("ETag", std::string(file.etag));
  response.headers.add("Cache-Control", file.hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (request.headers.find("If-None-Match") == file.etag) {
    response.status = 304;
    return response;
  }
  response.headers.add("Content-Encoding", "gzip");
  response.body = std::string(base::as_text(base::ByteView(file.gzip)));
  return response;
}

net::HttpResponse make_server_answer(const Call& call, const ConsoleOptions& options) {
  net::HttpResponse response = make_answer(call, "application/json");
  response.headers.add("Cache-Control", "no-store");
  ServerAnswer answer{call.region, "https" + call.wss_url.substr(call.wss_url.find(':')), call.wss_url, std::nullopt};
  if (!options.ca_fingerprint.empty()) answer.ca_fingerprint = options.ca_fingerprint;
  response.body = aws::encode(answer);
  return response;
}

net::HttpResponse answer(const Call& call, const net::HttpRequest& request, const ConsoleOptions& options) {
  if (!request.path.starts_with(kPrefix)) return make_redirect(call);  // "/console"
  const std::string_view path = std::string_view(request.path).substr(kPrefix.size());
  if (path == "server.json") return make_server_answer(call, options);
  if (path == "ca.pem" && !options.ca_pem.empty()) {
    net::HttpResponse response = make_answer(call, "application/x-pem-file");
    response.headers.add("Content-Disposition", "attachment; filename=\"tidegate-ca.pem\"");
    response.body = options.ca_pem;
    return response;
  }
  const auto file = std::ranges::find(options.files, path, &ConsoleFile::path);
  if (file != options.files.end()) return make_file(call, request, *file);
  net::HttpResponse response = make_answer(call, "text/plain");
  response.status = 404;
  response.body = "the console has no such file\n";
  return response;
}

}  // namespace

void add_console_files(Handlers& handlers, ConsoleOptions options) {
  handlers.add_route(
      "/console", [options = std::move(options)](const Call& call, net::HttpExchange& exchange) -> async::Task<void> {
        // A client that has gone is the connection's business.
        [[maybe_unused]] const auto sent = co_await exchange.respond(answer(call, exchange.request(), options));
      });
}

}  // namespace api
