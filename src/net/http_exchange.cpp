// SPDX-License-Identifier: Apache-2.0
#include "net/http_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "net/websocket_connection.hpp"

namespace net {

namespace {

// A longer rest of a body that nobody read is not worth the connection.
constexpr std::uint64_t kMaxDrainBytes = std::size_t{64} * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void add_header(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  // A line break in a value would begin a header of the caller's choice.
  for (const char c : value) head += c == '\r' || c == '\n' ? ' ' : c;
  head += "\r\n";
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

Exchange::Exchange(HttpConnection& connection, HttpRequest request)
    : connection_(connection), request_(std::move(request)), body_timeout_(connection.options_.body_timeout) {
  body_ended_ = !connection_.parser_.has_body();
  expects_continue_ = !body_ended_ && request_.version >= 11 && request_.headers.has_token("Expect", "100-continue");
  ++connection_.server_->stats.requests;
  ++connection_.server_->stats.requests_active;
}

Exchange::~Exchange() {
  leave_active();
  connection_.gone_ = nullptr;
}

void Exchange::leave_active() {
  if (std::exchange(counted_active_, false)) --connection_.server_->stats.requests_active;
}

async::Task<base::Result<base::Bytes>> Exchange::read_body_some() {
  if (body_ended_) co_return base::Bytes();
  if (std::exchange(expects_continue_, false) && phase_ == Phase::Waiting && connection_.buffer_.size() == 0) {
    std::vector<base::ByteView> pieces(1, base::as_bytes(kContinue));
    CO_TRY_VOID(co_await write(std::move(pieces)));
  }
  co_return co_await next_piece();
}

async::Task<base::Result<base::Bytes>> Exchange::next_piece() {
  for (;;) {
    const HttpParser::Step step = connection_.parser_.parse(connection_.buffer_.view());
    base::Bytes piece(step.body.begin(), step.body.end());
    connection_.buffer_.consume(step.consumed);
    switch (step.event) {
      case HttpParser::Event::Body:
        co_return piece;
      case HttpParser::Event::End:
        body_ended_ = true;
        co_return base::Bytes();
      case HttpParser::Event::Bad:
        ++connection_.server_->stats.bad_requests;
        keep_alive_ = false;
        co_return base::fail(base::Errc::InvalidArgument,
                             "the request body is malformed: " + std::string(connection_.parser_.error_text()));
      case HttpParser::Event::Headers:
      case HttpParser::Event::NeedMore:
        break;
    }
    const auto count = co_await connection_.read_more(connection_.in(body_timeout_));
    if (count && *count > 0) continue;
    keep_alive_ = false;
    if (!count) co_return base::fail(count.error());
    co_return base::fail(base::Errc::Io, "the client went away in the middle of the request body");
  }
}

async::Task<base::Result<std::string>> Exchange::read_body(std::size_t limit) {
  const std::uint64_t length = connection_.parser_.content_length().value_or(0);
  const auto too_long = [&] {
    return base::fail(base::Errc::LimitExceeded, fmt::format("the request body is longer than {} bytes", limit));
  };
  if (length > limit) co_return too_long();
  std::string body;
  body.reserve(static_cast<std::size_t>(length));
  for (;;) {
    CO_TRY(const base::Bytes piece, co_await read_body_some());
    if (piece.empty()) co_return body;
    if (piece.size() > limit - body.size()) co_return too_long();
    body += base::as_text(piece);
  }
}

std::string Exchange::make_head(const HttpResponse& response, std::size_t body_size, bool is_stream) {
  // With a body left unread the client's next request is out of reach, unless the rest is short and on its way.
  const bool can_drain = body_ended_ || is_stream ||
                         (!expects_continue_ && connection_.parser_.content_length().value_or(~0ull) <= kMaxDrainBytes);
  keep_alive_ = connection_.parser_.is_keep_alive() && can_drain && !connection_.server_->stopping &&
                !(is_stream && request_.version < 11);
  std::string head;
  head.reserve(256 + 64 * response.headers.size());
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\n", response.status, http_reason(response.status));
  for (const HttpHeader& header : response.headers) add_header(head, header.name, header.value);
  add_header(head, "Date", connection_.server_->date());
  if (is_stream) {
    if (request_.version >= 11) add_header(head, "Transfer-Encoding", "chunked");
  } else if (may_have_body(response.status)) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", body_size);
  }
  if (!keep_alive_) {
    add_header(head, "Connection", "close");
  } else if (request_.version < 11) {
    add_header(head, "Connection", "keep-alive");
  }
  head += "\r\n";
  return head;
}

async::Task<base::Result<void>> Exchange::write(std::vector<base::ByteView> pieces) {
  auto written =
      co_await connection_.stream_->write(std::move(pieces), connection_.in(connection_.options_.write_timeout));
  if (!written) {
    keep_alive_ = false;
    if (written.error().code == base::Errc::Unavailable) ++connection_.server_->stats.timeouts;
    phase_ = Phase::Broken;
  }
  co_return written;
}

async::Task<base::Result<void>> Exchange::respond(HttpResponse response) {
  if (phase_ != Phase::Waiting) co_return base::fail(base::Errc::Internal, "the request is answered already");
  phase_ = Phase::Done;
  const std::string& body = response.shared_body ? *response.shared_body : response.body;
  const std::string head = make_head(response, body.size(), false);
  std::vector<base::ByteView> pieces(1, base::as_bytes(head));
  if (request_.method != "HEAD" && may_have_body(response.status)) pieces.push_back(base::as_bytes(body));
  co_return co_await write(std::move(pieces));
}

async::Task<base::Result<void>> Exchange::start_stream(HttpResponse response, std::optional<std::uint64_t> length) {
  if (phase_ != Phase::Waiting) co_return base::fail(base::Errc::Internal, "the request is answered already");
  phase_ = Phase::Streaming;
  leave_active();
  body_left_ = length;
  const std::string head = make_head(response, length.value_or(0), !length);
  std::vector<base::ByteView> pieces;
  if (std::exchange(expects_continue_, false)) pieces.push_back(base::as_bytes(kContinue));
  pieces.push_back(base::as_bytes(head));
  co_return co_await write(std::move(pieces));
}

async::Task<base::Result<void>> Exchange::write_chunk(base::ByteView bytes) {
  if (phase_ != Phase::Streaming) co_return base::fail(base::Errc::Io, "the answer has ended");
  if (bytes.empty() || request_.method == "HEAD") co_return base::Result<void>();  // an empty chunk is the end
  if (body_left_) {
    if (bytes.size() > *body_left_) co_return base::fail(base::Errc::Internal, "more than the length that was said");
    *body_left_ -= bytes.size();
    co_return co_await write({bytes});
  }
  const std::string size = fmt::format("{:x}\r\n", bytes.size());
  std::vector<base::ByteView> pieces;
  if (request_.version >= 11) pieces.push_back(base::as_bytes(size));
  pieces.push_back(bytes);
  if (request_.version >= 11) pieces.push_back(base::as_bytes("\r\n"));
  co_return co_await write(std::move(pieces));
}

async::Task<base::Result<void>> Exchange::finish() {
  if (phase_ != Phase::Streaming) co_return base::fail(base::Errc::Io, "the answer has ended");
  if (body_left_.value_or(0) > 0 && request_.method != "HEAD") {
    co_return base::fail(base::Errc::Internal, "less than the length that was said");
  }
  phase_ = Phase::Done;
  if (request_.version < 11 || request_.method == "HEAD" || body_left_) co_return base::Result<void>();
  std::vector<base::ByteView> pieces(1, base::as_bytes("0\r\n\r\n"));
  co_return co_await write(std::move(pieces));
}

void Exchange::watch_disconnect(std::move_only_function<void()> gone) {
  if (!body_ended_ || phase_ == Phase::Taken) return;
  connection_.gone_ = std::move(gone);
  connection_.start_background_read();
}

bool Exchange::is_websocket_request() const {
  return request_.method == "GET" && request_.version >= 11 && request_.headers.has_token("Connection", "upgrade") &&
         request_.headers.has_token("Upgrade", "websocket") && request_.headers.find("Sec-WebSocket-Key").has_value();
}

async::Task<base::Result<std::unique_ptr<WebSocket>>> Exchange::accept_websocket(WebSocketOptions options) {
  if (phase_ != Phase::Waiting || connection_.background_read_) {
    co_return base::fail(base::Errc::Internal, "the connection is in use");
  }
  if (!is_websocket_request()) co_return base::fail(base::Errc::InvalidArgument, "not a WebSocket request");
  phase_ = Phase::Taken;
  keep_alive_ = false;
  leave_active();
  ++connection_.server_->stats.websockets;
  const base::ByteView left = connection_.buffer_.view();
  WebSocketAccept accept{.stream = std::move(connection_.stream_),
                         .early = base::Bytes(left.begin(), left.end()),
                         .request = request_,
                         .options = options,
                         .deadline = connection_.in(connection_.options_.write_timeout),
                         .lease = make_connection_lease(connection_.server_)};
  connection_.buffer_.consume(left.size());
  co_return co_await accept_websocket_on(std::move(accept));
}

async::Task<bool> Exchange::end() {
  if (phase_ == Phase::Taken || phase_ == Phase::Broken) co_return false;
  if (phase_ == Phase::Waiting) {
    HttpResponse response;
    response.status = 500;
    (void)co_await respond(std::move(response));
  }
  if (phase_ != Phase::Done) co_return false;  // a stream that was not finished: the client must see that
  for (std::uint64_t drained = 0; keep_alive_ && !body_ended_;) {
    const auto piece = co_await next_piece();
    if (!piece) co_return false;
    drained += piece->size();
    if (drained > kMaxDrainBytes) co_return false;
  }
  co_return keep_alive_;
}

}  // namespace net
