// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: one accepted connection of an HttpServer, and the exchanges on it.

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "async/notify.hpp"
#include "async/shard.hpp"
#include "net/http_parser.hpp"
#include "net/http_server.hpp"
#include "net/read_buffer.hpp"
#include "net/stream.hpp"
#include "net/tcp_stream.hpp"

namespace net {

class HttpConnection;

// The server's half that connections share; outlives the HttpServer until the last of them has ended.
struct HttpServer::State {
  State(async::Shard& owner, HttpServerOptions given, Handler handle)
      : shard(owner), options(std::move(given)), handler(std::move(handle)), tls(options.tls), changed(owner) {}

  async::Shard& shard;
  HttpServerOptions options;
  Handler handler;
  std::unique_ptr<TcpListener> listener;
  async::TaskHandle accepting;
  std::shared_ptr<const TlsContext> tls;
  Stats stats;
  bool stopping = false;
  async::Notify changed;  // a connection has ended
  struct Entry {
    async::TaskHandle task;
    HttpConnection* connection = nullptr;  // after the TLS handshake
  };
  std::unordered_map<std::uint64_t, Entry> connections;

  // "Mon, 23 Nov 2026 08:11:02 GMT", made once a second.
  std::string_view date();

 private:
  std::int64_t date_second_ = -1;
  std::string date_text_;
};

// Owned by its task and, while it waits for a disconnect, by that task too.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<HttpServer::State> server, std::unique_ptr<Stream> stream);
  ~HttpConnection();

  async::Task<void> run();
  bool is_idle() const { return idle_; }
  void close() { stream_->close(); }

 private:
  friend class Exchange;

  // False when the connection is to end.
  async::Task<bool> serve_one();
  async::Task<bool> read_headers();
  async::Task<bool> handle(HttpRequest request);
  async::Task<void> refuse(int status, std::string text);
  HttpRequest take_request();
  // More bytes into buffer_; 0 at the end. Joins a read that is under way in the background.
  async::Task<base::Result<std::size_t>> read_more(base::Instant deadline);
  void start_background_read();
  base::Instant in(base::Duration duration) const { return async::now() + duration; }

  std::shared_ptr<HttpServer::State> server_;
  const HttpServerOptions& options_;
  std::unique_ptr<Stream> stream_;
  HttpParser parser_;
  ReadBuffer buffer_;
  bool idle_ = true;

  bool background_read_ = false;
  base::Result<std::size_t> background_result_ = 0;
  async::Notify background_done_;
  std::move_only_function<void()> gone_;
};

// Counts a WebSocket among the server's connections until it ends.
std::shared_ptr<void> make_connection_lease(std::shared_ptr<HttpServer::State> server);

}  // namespace net
