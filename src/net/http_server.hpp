// SPDX-License-Identifier: Apache-2.0
#pragma once
// HTTP/1.1 over TCP or TLS, one server per shard and listener. It knows no path and no method: one handler gets all.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http_message.hpp"
#include "net/tls_context.hpp"
#include "net/websocket.hpp"

namespace net {

// One request and the answer to it. Lives on the connection's shard, owned by the connection, until the handler
// returns. A handler that returns without an answer gets 500; one that throws gets 500 (logged, counted), or the
// connection is closed if the answer had begun.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual const HttpRequest& request() const = 0;
  virtual async::Shard& shard() const = 0;

  // The whole body. Errc::LimitExceeded when it is longer than `limit` (known before reading, if it has a length);
  // Errc::Io or Unavailable when the client went away or is too slow. Sends 100 Continue where the client waits for it.
  virtual async::Task<base::Result<std::string>> read_body(std::size_t limit) = 0;
  // The next piece of the body as it arrives (chunking removed); empty at its end. May go on after the answer began.
  virtual async::Task<base::Result<base::Bytes>> read_body_some() = 0;
  // Between two pieces of this body, instead of the server's body_timeout.
  virtual void set_body_timeout(base::Duration timeout) = 0;

  // The whole answer, headers and body in one write. HEAD: the length is sent, the body is not.
  virtual async::Task<base::Result<void>> respond(HttpResponse response) = 0;

  // A streamed answer (chunked; for HTTP/1.0 until close; as it is when its `length` is known): start, write any number
  // of times, finish. `head.body` must be empty. A client that waits for 100 Continue gets it first: the body may be
  // read while the answer is written. A handler that returns without finish() closes the connection, so the client sees
  // that it was cut.
  virtual async::Task<base::Result<void>> start_stream(HttpResponse head,
                                                       std::optional<std::uint64_t> length = std::nullopt) = 0;
  virtual async::Task<base::Result<void>> write_chunk(base::ByteView bytes) = 0;
  virtual async::Task<base::Result<void>> finish() = 0;
  // Calls `gone` once, on this shard, when the client disconnects while an answer is streamed and the request body
  // has ended; for handlers that wait for something to send. Never after the handler has returned.
  virtual void watch_disconnect(std::move_only_function<void()> gone) = 0;

  // True for a GET with the headers of RFC 6455 4.1.
  virtual bool is_websocket_request() const = 0;
  // Answers 101 and takes the connection over; when the WebSocket is destroyed the connection ends. It may outlive
  // the handler. The Sec-WebSocket-Protocol of the request is not echoed.
  virtual async::Task<base::Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketOptions options) = 0;

  virtual bool has_responded() const = 0;
};

struct HttpServerOptions {
  std::string name = "http";                    // HttpRequest::listener, and the log
  base::SocketAddress listen{};                 // port 0: the system chooses
  std::shared_ptr<const TlsContext> tls{};      // null: plain
  bool reuse_port = false;                      // several shards listen on one port, the kernel spreads connections
  std::size_t max_connections = 10'000;         // one more is closed at once
  std::size_t max_concurrent_requests = 1'000;  // one more gets 503; streams and WebSockets do not count
  std::size_t max_header_bytes = std::size_t{32} * 1024;     // request line and headers; more gets 431
  base::Duration header_timeout = std::chrono::seconds(10);  // TLS handshake; and first byte to end of headers
  base::Duration idle_timeout = std::chrono::seconds(75);    // between requests
  base::Duration body_timeout = std::chrono::seconds(30);    // between two pieces of a request body
  base::Duration write_timeout = std::chrono::seconds(30);   // for a client that does not read
};

// Opened and used on its shard (from outside: through run_blocking); destroyed anywhere.
class HttpServer {
 public:
  using Handler = std::function<async::Task<void>(HttpExchange&)>;

  // Listens at once.
  static base::Result<std::unique_ptr<HttpServer>> open(async::Shard& shard, HttpServerOptions options,
                                                        Handler handler);
  // Closes the listener and every connection; handlers unwind a moment later. What they refer to must live until
  // stop() has returned, or the shard has been joined.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  base::SocketAddress local_address() const;
  // Later connections get this certificate. From the server's shard.
  void replace_tls(std::shared_ptr<const TlsContext> tls);
  // No new connections; connections end after the request under way, or are cut when `patience` is over. Returns when
  // none is left. WebSockets stay with their owners.
  async::Task<void> stop(base::Duration patience);

  struct Stats {
    std::uint64_t connections = 0;
    std::uint64_t connections_open = 0;
    std::uint64_t connections_refused = 0;
    std::uint64_t tls_failures = 0;
    std::uint64_t requests = 0;
    std::uint64_t requests_active = 0;
    std::uint64_t requests_refused = 0;  // 503
    std::uint64_t bad_requests = 0;      // 400, 431 and the like, made by this room
    std::uint64_t timeouts = 0;
    std::uint64_t handler_failures = 0;
    std::uint64_t websockets = 0;
  };
  Stats stats() const;

  struct State;  // private to this room

 private:
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace net
