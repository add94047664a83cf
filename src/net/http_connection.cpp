// SPDX-License-Identifier: Apache-2.0
#include "net/http_connection.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "base/log.hpp"
#include "net/http_exchange.hpp"

namespace net {

std::string_view HttpServer::State::date() {
  const base::WallTime now = async::wall_now();
  const std::int64_t second = base::to_microseconds(now) / 1'000'000;
  if (second != date_second_) {
    date_second_ = second;
    date_text_ = base::to_http_date(now);
  }
  return date_text_;
}

std::shared_ptr<void> make_connection_lease(std::shared_ptr<HttpServer::State> server) {
  ++server->stats.connections_open;
  HttpServer::State* const raw = server.get();
  return {raw, [server = std::move(server)](void*) {
            --server->stats.connections_open;
            server->changed.notify_all();
          }};
}

HttpConnection::HttpConnection(std::shared_ptr<HttpServer::State> server, std::unique_ptr<Stream> stream)
    : server_(std::move(server)),
      options_(server_->options),
      stream_(std::move(stream)),
      parser_(HttpParser::Role::Server, options_.max_header_bytes),
      background_done_(server_->shard) {}

HttpConnection::~HttpConnection() = default;

async::Task<void> HttpConnection::run() {
  // However it ends: a read in the background must not keep the socket open.
  struct CloseAtEnd {
    HttpConnection& connection;
    ~CloseAtEnd() {
      if (connection.stream_) connection.close();
    }
  } const close_at_end{*this};
  while (co_await serve_one()) {
  }
  if (stream_ && !background_read_) co_await stream_->shut_down();  // else a WebSocket has it
}

async::Task<bool> HttpConnection::serve_one() {
  parser_ = HttpParser(HttpParser::Role::Server, options_.max_header_bytes);
  if (server_->stopping) co_return false;
  const bool complete = co_await read_headers();
  idle_ = false;
  if (!complete) co_return false;
  if (server_->stats.requests_active >= options_.max_concurrent_requests) {
    ++server_->stats.requests_refused;
    co_await refuse(503, "the server is busy: try again");
    co_return false;
  }
  const bool again = co_await handle(take_request());
  if (again && !background_read_) buffer_.release_if_empty();
  co_return again;
}

async::Task<bool> HttpConnection::read_headers() {
  idle_ = true;
  base::Instant deadline = in(options_.idle_timeout);
  for (;;) {
    // RFC 9112 2.2: an empty line before a request is ignored.
    while (!parser_.is_begun() && buffer_.size() > 0 && (buffer_.view()[0] == '\r' || buffer_.view()[0] == '\n')) {
      buffer_.consume(1);
    }
    if (idle_ && buffer_.size() > 0) {
      idle_ = false;
      deadline = in(options_.header_timeout);
    }
    const HttpParser::Step step = parser_.parse(buffer_.view());
    buffer_.consume(step.consumed);
    if (step.event == HttpParser::Event::Headers) co_return true;
    if (step.event == HttpParser::Event::Bad) {
      ++server_->stats.bad_requests;
      co_await refuse(parser_.error_status(), std::string(parser_.error_text()));
      co_return false;
    }
    const auto count = co_await read_more(deadline);
    if (!count && count.error().code == base::Errc::Unavailable && !idle_) ++server_->stats.timeouts;
    if (!count || *count == 0) co_return false;
  }
}

async::Task<bool> HttpConnection::handle(HttpRequest request) {
  Exchange exchange(*this, std::move(request));
  std::string failure;
  try {
    co_await server_->handler(exchange);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    ++server_->stats.handler_failures;
    base::log_error("{}: {} {} failed: {}", options_.name, exchange.request().method, exchange.request().path, failure);
  } else if (!exchange.has_responded()) {
    ++server_->stats.handler_failures;
  }
  co_return co_await exchange.end();
}

async::Task<void> HttpConnection::refuse(int status, std::string text) {
  text += '\n';
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " " + std::string(http_reason(status)) +
                       "\r\nContent-Type: text/plain\r\nDate: " + std::string(server_->date()) +
                       "\r\nContent-Length: " + std::to_string(text.size()) + "\r\nConnection: close\r\n\r\n" + text;
  (void)co_await stream_->write(base::as_bytes(answer), in(options_.write_timeout));
}

HttpRequest HttpConnection::take_request() {
  HttpRequest request;
  request.method = std::move(parser_.method);
  request.target = std::move(parser_.target);
  const std::size_t question = std::min(request.target.find('?'), request.target.size());
  request.path = request.target.substr(0, question);
  request.query = request.target.substr(std::min(question + 1, request.target.size()));
  request.version = parser_.version;
  request.headers = std::move(parser_.headers);
  request.remote = stream_->remote_address();
  request.local = stream_->local_address();
  request.is_tls = stream_->is_tls();
  request.listener = options_.name;
  return request;
}

async::Task<base::Result<std::size_t>> HttpConnection::read_more(base::Instant deadline) {
  if (background_read_) {
    while (background_read_) {
      const bool ended = co_await background_done_.wait_until(deadline);
      if (ended) continue;
      close();
      co_return base::fail(base::Errc::Unavailable, "timed out");
    }
    co_return background_result_;
  }
  const auto count = co_await stream_->read_some(buffer_.prepare(), deadline);
  if (count) buffer_.commit(*count);
  co_return count;
}

void HttpConnection::start_background_read() {
  // What comes early (a pipelined request) is kept for later; then a disconnect is no longer noticed here.
  if (background_read_ || buffer_.size() > 0) return;
  background_read_ = true;
  server_->shard.spawn("waiting for a disconnect", [self = shared_from_this()]() -> async::Task<void> {
    const base::MutableByteView space = self->buffer_.prepare();
    self->background_result_ = co_await self->stream_->read_some(space);
    self->background_read_ = false;
    const std::size_t count = self->background_result_ ? *self->background_result_ : 0;
    self->buffer_.commit(count);
    self->background_done_.notify_all();
    if (count == 0 && self->gone_) std::exchange(self->gone_, nullptr)();
  });
}

}  // namespace net
