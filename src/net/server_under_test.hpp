// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the tests of this room: a plain socket client and a server on a shard of its own.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "net/http_server.hpp"

namespace net {

// A blocking client that knows nothing of this project: what it sends and reads are plain bytes.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // What one read of at most `size` bytes gives; empty at the end of the stream or after 10 s.
  std::string read_once(std::size_t size = 65536) {
    pollfd ready{fd_, POLLIN, 0};
    if (poll(&ready, 1, 10'000) != 1) return {};
    std::string bytes(size, '\0');
    const ssize_t count = recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  std::string read_until(std::string_view end) {
    while (!text_.contains(end)) {
      const std::string more = read_once();
      if (more.empty()) break;
      text_ += more;
    }
    const std::size_t size = std::min(text_.find(end), text_.size());
    std::string result = text_.substr(0, std::min(size + end.size(), text_.size()));
    text_.erase(0, result.size());
    return result;
  }
  std::string read_all() {
    for (;;) {
      const std::string more = read_once();
      if (more.empty()) return std::exchange(text_, {});
      text_ += more;
    }
  }
  std::string read_count(std::size_t count) {
    while (text_.size() < count) {
      const std::string more = read_once();
      if (more.empty()) break;
      text_ += more;
    }
    std::string result = text_.substr(0, count);
    text_.erase(0, result.size());
    return result;
  }

 private:
  int fd_;
  std::string text_;  // read and not yet given
};

// A server on a shard of its own, gone in the right order.
class ServerUnderTest {
 public:
  explicit ServerUnderTest(HttpServer::Handler handler, HttpServerOptions options = {}) : shard_("server") {
    options.listen = *base::SocketAddress::parse("127.0.0.1:0");
    server_ = shard_.run_blocking([&] { return std::move(*HttpServer::open(shard_, options, std::move(handler))); });
  }
  ~ServerUnderTest() {
    shard_.run_blocking([&]() -> async::Task<void> { co_await server_->stop(std::chrono::seconds(0)); });
    server_.reset();
  }
  std::uint16_t port() const { return server_->local_address().port; }
  std::string url(std::string_view scheme = "http") const { return fmt::format("{}://127.0.0.1:{}", scheme, port()); }
  async::Shard& shard() { return shard_; }
  HttpServer& server() { return *server_; }
  HttpServer::Stats stats() {
    return shard_.run_blocking([&] { return server_->stats(); });
  }

 private:
  async::Shard shard_;
  std::unique_ptr<HttpServer> server_;
};

inline HttpResponse text_response(std::string text, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain");
  response.body = std::move(text);
  return response;
}

// Answers with what it saw: the method, target, header lines in order, and the body.
inline async::Task<void> echo(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  auto body = co_await exchange.read_body(1 << 20);
  if (!body) {
    const int status = body.error().code == base::Errc::LimitExceeded ? 413 : 400;
    (void)co_await exchange.respond(text_response(body.error().message, status));
    co_return;
  }
  std::string text = request.method + " " + request.path + " [" + request.query + "]\n";
  for (const HttpHeader& header : request.headers) text += header.name + "=" + header.value + "\n";
  (void)co_await exchange.respond(text_response(text + "\n" + *body));
}

}  // namespace net
