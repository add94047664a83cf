// SPDX-License-Identifier: Apache-2.0
#pragma once
// HTTP and WebSocket from the other side: for the camera, webhooks and tests.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http_message.hpp"
#include "net/tls_context.hpp"
#include "net/websocket.hpp"

namespace net {

// http, https, ws or wss; the target keeps its percent-encoding.
struct Url {
  std::string scheme;
  std::string host;  // without brackets
  std::uint16_t port = 0;
  std::string target;  // path and query, at least "/"

  static base::Result<Url> parse(std::string_view text);
  bool is_tls() const { return scheme == "https" || scheme == "wss"; }
  // For the Host header: brackets around IPv6, the port only when it is not the scheme's own.
  std::string authority() const;
};

struct HttpClientRequest {
  std::string method = "GET";
  std::string url{};
  // Sent in this order. Host, Content-Length and, without HttpClientOptions::connections, "Connection: close" are added
  // when missing.
  HttpHeaders headers{};
  std::string body{};
  // Set: gets the body of a 2xx answer piece by piece instead of HttpClientResponse::body; false ends the transfer.
  std::function<bool(base::ByteView)> on_body{};
};

struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers{};
  std::string body{};
};

class HttpConnections;

struct HttpClientOptions {
  std::shared_ptr<const TlsContext> tls{};            // null: the system's store
  base::Duration timeout = std::chrono::seconds(30);  // for connecting, and for each pause of the server
  std::size_t max_body_bytes = 16 << 20;
  std::shared_ptr<HttpConnections> connections{};  // where idle ones wait; null: one connection per request
};

// On the current shard. A status other than 2xx is an answer, not an error.
async::Task<base::Result<HttpClientResponse>> send_http(HttpClientRequest request, HttpClientOptions options);

struct WebSocketClientOptions {
  std::shared_ptr<const TlsContext> tls{};
  base::Duration timeout = std::chrono::seconds(10);
  HttpHeaders headers{};
  WebSocketOptions websocket{};
};
// On the current shard. An answer other than 101 is an error that names its status and quotes its body.
async::Task<base::Result<std::unique_ptr<WebSocket>>> connect_websocket(std::string url,
                                                                        WebSocketClientOptions options);

}  // namespace net
