// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: the HttpExchange of one request on an HttpConnection.

#include <string>

#include "net/http_connection.hpp"

namespace net {

class Exchange final : public HttpExchange {
 public:
  Exchange(HttpConnection& connection, HttpRequest request);
  ~Exchange() override;

  const HttpRequest& request() const override { return request_; }
  async::Shard& shard() const override { return connection_.server_->shard; }
  async::Task<base::Result<std::string>> read_body(std::size_t limit) override;
  async::Task<base::Result<base::Bytes>> read_body_some() override;
  void set_body_timeout(base::Duration timeout) override { body_timeout_ = timeout; }
  async::Task<base::Result<void>> respond(HttpResponse response) override;
  async::Task<base::Result<void>> start_stream(HttpResponse head, std::optional<std::uint64_t> length) override;
  async::Task<base::Result<void>> write_chunk(base::ByteView bytes) override;
  async::Task<base::Result<void>> finish() override;
  void watch_disconnect(std::move_only_function<void()> gone) override;
  bool is_websocket_request() const override;
  async::Task<base::Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketOptions options) override;
  bool has_responded() const override { return phase_ != Phase::Waiting; }

  // After the handler: whether another request may follow; reads away the rest of a short body.
  async::Task<bool> end();

 private:
  enum class Phase : std::uint8_t { Waiting, Streaming, Done, Taken, Broken };

  std::string make_head(const HttpResponse& response, std::size_t body_size, bool is_stream);
  async::Task<base::Result<void>> write(std::vector<base::ByteView> pieces);
  async::Task<base::Result<base::Bytes>> next_piece();
  void leave_active();

  HttpConnection& connection_;
  HttpRequest request_;
  Phase phase_ = Phase::Waiting;
  base::Duration body_timeout_;
  bool body_ended_ = false;
  bool expects_continue_ = false;  // the client waits for it and has not got it
  bool keep_alive_ = false;
  std::optional<std::uint64_t> body_left_;  // of an answer whose length was said
  bool counted_active_ = true;
};

}  // namespace net
