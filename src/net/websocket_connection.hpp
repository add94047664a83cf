// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: a WebSocket on a connected Stream, after or from the HTTP upgrade.

#include <memory>
#include <string>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/http_message.hpp"
#include "net/stream.hpp"
#include "net/websocket.hpp"

namespace net {

// The server's side: answers 101. `early` holds what the client sent behind its request; `lease` lives as long as the
// connection.
struct WebSocketAccept {
  std::unique_ptr<Stream> stream;
  base::Bytes early;
  const HttpRequest& request;
  WebSocketOptions options;
  base::Instant deadline;
  std::shared_ptr<void> lease;
};
async::Task<base::Result<std::unique_ptr<WebSocket>>> accept_websocket_on(WebSocketAccept accept);

// The client's side: sends the upgrade request.
struct WebSocketUpgrade {
  std::unique_ptr<Stream> stream;
  std::string authority;
  std::string target;
  HttpHeaders headers;
  WebSocketOptions options;
  base::Instant deadline;
};
async::Task<base::Result<std::unique_ptr<WebSocket>>> upgrade_to_websocket(WebSocketUpgrade upgrade);

}  // namespace net
