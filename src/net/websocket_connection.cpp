// SPDX-License-Identifier: Apache-2.0
#include "net/websocket_connection.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <optional>
#include <utility>

#include "async/notify.hpp"
#include "async/timer.hpp"
#include "base/sans_io.hpp"
#include "net/stream_adapter.hpp"

namespace net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

namespace {

// Received and not yet read by the owner; beyond this the socket is left unread.
constexpr std::size_t kInboxMessages = 64;
constexpr base::Duration kClosePatience = std::chrono::seconds(3);

// Beast's operations do not take our tasks' cancellation: closing the stream ends them. Only for the time of one
// operation.
class CloseOnCancel {
 public:
  CloseOnCancel(asio::cancellation_slot slot, Stream& stream) : slot_(slot) {
    if (slot_.is_connected()) slot_.assign([&stream](asio::cancellation_type) { stream.close(); });
  }
  ~CloseOnCancel() {
    if (slot_.is_connected()) slot_.clear();
  }
  CloseOnCancel(const CloseOnCancel&) = delete;
  CloseOnCancel& operator=(const CloseOnCancel&) = delete;

 private:
  asio::cancellation_slot slot_;
};

auto uninterrupted(error_code& error) {
  return asio::bind_cancellation_slot(asio::cancellation_slot(), asio::redirect_error(asio::use_awaitable, error));
}

struct CloseFrame {
  std::uint16_t code;
  std::string reason;
};

// The connection itself: shared by the owner's WebSocket and the two tasks that read and write.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::unique_ptr<Stream> stream, base::Bytes early, const WebSocketOptions& options)
      : shard_(stream->shard()),
        options_(options),
        remote_(stream->remote_address()),
        socket_(std::move(stream), std::move(early)),
        inbox_changed_(shard_),
        outbox_changed_(shard_),
        timer_(shard_, [this] { check_times(); }, async::Precision::Coarse) {
    socket_.set_option(
        websocket::stream_base::timeout{websocket::stream_base::none(), websocket::stream_base::none(), false});
    socket_.read_message_max(options.max_message_bytes);
    socket_.auto_fragment(false);
  }

  async::Task<base::Result<void>> accept(const HttpRequest& request, base::Instant deadline) {
    http::request<http::empty_body> upgrade(http::verb::get, request.target, 11);
    for (const HttpHeader& header : request.headers) upgrade.insert(header.name, header.value);
    socket_.set_option(websocket::stream_base::decorator(
        [](websocket::response_type& response) { response.set(http::field::server, "Tidegate"); }));
    const CloseOnCancel guard((co_await asio::this_coro::cancellation_state).slot(), stream());
    closes_at_ = deadline;
    timer_.arm(deadline);
    error_code error;
    co_await socket_.async_accept(upgrade, uninterrupted(error));
    if (error) co_return base::fail(base::Errc::InvalidArgument, "the WebSocket upgrade failed: " + error.message());
    co_return base::Result<void>();
  }

  async::Task<base::Result<void>> upgrade(const WebSocketUpgrade& given) {
    socket_.set_option(websocket::stream_base::decorator([&given](websocket::request_type& request) {
      request.erase(http::field::user_agent);
      for (const HttpHeader& header : given.headers) request.insert(header.name, header.value);
    }));
    const CloseOnCancel guard((co_await asio::this_coro::cancellation_state).slot(), stream());
    closes_at_ = given.deadline;
    timer_.arm(given.deadline);
    error_code error;
    websocket::response_type answer;
    co_await socket_.async_handshake(answer, given.authority, given.target, uninterrupted(error));
    socket_.set_option(websocket::stream_base::decorator([](websocket::request_type&) {}));
    if (error == websocket::error::upgrade_declined) {
      co_return base::fail(base::Errc::AccessDenied, "the server answered " + std::to_string(answer.result_int()) +
                                                         " to the WebSocket request: " + answer.body());
    }
    if (error) co_return base::fail(base::Errc::Unavailable, "the WebSocket upgrade failed: " + error.message());
    co_return base::Result<void>();
  }

  // After the upgrade.
  void start(std::shared_ptr<void> lease) {
    lease_ = std::move(lease);
    closes_at_ = base::kNever;
    begun_ = last_frame_ = last_activity_ = async::now();
    socket_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
      last_frame_ = async::now();
      if (kind == websocket::frame_type::ping) last_activity_ = last_frame_;
    });
    shard_.spawn("websocket reader", [self = shared_from_this()] { return self->read_all(); });
    shard_.spawn("websocket writer", [self = shared_from_this()] { return self->write_all(); });
    check_times();
  }

  async::Task<std::optional<WebSocketMessage>> read() {
    while (inbox_.empty()) {
      if (!is_open_) co_return std::nullopt;
      co_await inbox_changed_.wait();
    }
    const auto message = base::pop_front(inbox_);
    inbox_changed_.notify_all();  // the reader may be waiting for room
    co_return message;
  }

  bool write(std::string payload, bool is_text) {
    if (!is_open_ || closing_) return false;
    if (outbox_.size() >= options_.max_queued_messages || outbox_bytes_ + payload.size() > options_.max_queued_bytes) {
      // A close frame would wait behind the messages that the client does not read.
      end("the peer does not read");
      return false;
    }
    outbox_bytes_ += payload.size();
    outbox_.push_back({std::move(payload), is_text});
    outbox_changed_.notify_all();
    return true;
  }

  async::Task<void> close(std::uint16_t code, std::string reason) {
    begin_close(code, reason);
    while (is_open_) co_await inbox_changed_.wait();
  }

  void end(std::string reason) {
    if (!std::exchange(is_open_, false)) return;
    reason_ = std::move(reason);
    timer_.disarm();
    stream().close();
    inbox_changed_.notify_all();
    outbox_changed_.notify_all();
  }

  bool is_open() const { return is_open_ && !closing_; }
  const std::string& reason() const { return reason_; }
  base::SocketAddress remote() const { return remote_; }
  async::Shard& shard() const { return shard_; }

 private:
  Stream& stream() { return socket_.next_layer().stream(); }

  async::Task<void> read_all() {
    const CloseOnCancel guard((co_await asio::this_coro::cancellation_state).slot(), stream());
    while (is_open_) {
      boost::beast::flat_buffer buffer;
      error_code error;
      co_await socket_.async_read(buffer, uninterrupted(error));
      if (error) {
        end(describe(error));
        co_return;
      }
      last_frame_ = last_activity_ = async::now();
      const asio::const_buffer bytes = buffer.data();
      inbox_.push_back({std::string(static_cast<const char*>(bytes.data()), bytes.size()), socket_.got_text()});
      inbox_changed_.notify_all();
      while (is_open_ && inbox_.size() >= kInboxMessages) {
        co_await inbox_changed_.wait();
        last_frame_ = async::now();  // our own slowness is not the peer's silence
      }
    }
  }

  async::Task<void> write_all() {
    while (is_open_) {
      error_code error;
      if (std::exchange(ping_wanted_, false)) {
        co_await socket_.async_ping({}, uninterrupted(error));
      } else if (!outbox_.empty()) {
        socket_.text(outbox_.front().is_text);
        co_await socket_.async_write(asio::buffer(outbox_.front().payload), uninterrupted(error));
        outbox_bytes_ -= outbox_.front().payload.size();
        outbox_.pop_front();
      } else if (closing_) {
        const websocket::close_reason frame(static_cast<websocket::close_code>(closing_->code), closing_->reason);
        co_await socket_.async_close(frame, uninterrupted(error));
        end("closed from here (" + std::to_string(closing_->code) + " " + closing_->reason + ")");
      } else {
        co_await outbox_changed_.wait();
      }
      if (error && is_open_ && !closing_) end("writing failed: " + error.message());
    }
  }

  void begin_close(std::uint16_t code, const std::string& reason) {
    if (!is_open_ || closing_) return;
    closing_ = CloseFrame{code, reason.substr(0, 120)};  // a control frame holds 125 bytes
    closes_at_ = async::now() + kClosePatience;
    timer_.arm(closes_at_);
    outbox_changed_.notify_all();
  }

  // Pings, silence, idleness, lifetime: does what is due and arms the timer for the next.
  void check_times() {
    if (!is_open_) return;
    const base::Instant now = async::now();
    if (now >= closes_at_) return end("timed out");
    if (closing_ || closes_at_ != base::kNever) return timer_.arm(closes_at_);
    const auto due = [&](base::Instant since, base::Duration span) {
      return span > base::Duration::zero() ? since + span : base::kNever;
    };
    const base::Instant too_old = due(begun_, options_.lifetime);
    const base::Instant too_idle = due(last_activity_, options_.idle_timeout);
    if (now >= too_old) return begin_close(1001, "the connection reached its lifetime");
    if (now >= too_idle) return begin_close(1001, "idle");
    // One ping at a time: another would put off the verdict on the first.
    const bool ping_is_out = last_ping_ > last_frame_;
    const base::Instant next_ping = ping_is_out ? base::kNever : due(last_frame_, options_.ping_interval);
    const base::Instant dead = ping_is_out ? last_ping_ + options_.pong_timeout : base::kNever;
    if (now >= dead) return end("the peer does not answer pings");
    if (now >= next_ping) {
      last_ping_ = now;
      ping_wanted_ = true;
      outbox_changed_.notify_all();
      return check_times();
    }
    timer_.arm(std::min({too_old, too_idle, next_ping, dead}));
  }

  std::string describe(error_code error) {
    if (error == websocket::error::closed) {
      return "the peer closed (" + std::to_string(socket_.reason().code) + ")";
    }
    if (error == websocket::error::message_too_big) {
      return "message over " + std::to_string(options_.max_message_bytes) + " bytes";
    }
    return error.message();
  }

  async::Shard& shard_;
  const WebSocketOptions options_;
  const base::SocketAddress remote_;
  websocket::stream<StreamAdapter, false> socket_;
  std::shared_ptr<void> lease_;

  bool is_open_ = true;
  std::string reason_;
  std::deque<WebSocketMessage> inbox_;
  async::Notify inbox_changed_;  // and the end
  std::deque<WebSocketMessage> outbox_;
  std::size_t outbox_bytes_ = 0;
  async::Notify outbox_changed_;  // and a ping, a close, the end
  bool ping_wanted_ = false;
  std::optional<CloseFrame> closing_;

  async::Timer timer_;
  base::Instant closes_at_ = base::kNever;  // of the upgrade or of the closing handshake
  base::Instant begun_, last_frame_, last_activity_;
  base::Instant last_ping_ = base::Instant::min();
};

class WebSocketHandle final : public WebSocket {
 public:
  explicit WebSocketHandle(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~WebSocketHandle() override { connection_->end("dropped from here"); }

  async::Task<std::optional<WebSocketMessage>> read() override { return connection_->read(); }
  bool write(std::string payload, bool is_text) override { return connection_->write(std::move(payload), is_text); }
  async::Task<void> close(std::uint16_t code, std::string reason) override {
    return connection_->close(code, std::move(reason));
  }
  bool is_open() const override { return connection_->is_open(); }
  std::string close_reason() const override { return connection_->reason(); }
  base::SocketAddress remote_address() const override { return connection_->remote(); }
  async::Shard& shard() const override { return connection_->shard(); }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace

async::Task<base::Result<std::unique_ptr<WebSocket>>> accept_websocket_on(WebSocketAccept accept) {
  const auto connection =
      std::make_shared<Connection>(std::move(accept.stream), std::move(accept.early), accept.options);
  CO_TRY_VOID(co_await connection->accept(accept.request, accept.deadline));
  connection->start(std::move(accept.lease));
  co_return base::Result<std::unique_ptr<WebSocket>>(std::make_unique<WebSocketHandle>(connection));
}

async::Task<base::Result<std::unique_ptr<WebSocket>>> upgrade_to_websocket(WebSocketUpgrade upgrade) {
  const auto connection = std::make_shared<Connection>(std::move(upgrade.stream), base::Bytes(), upgrade.options);
  CO_TRY_VOID(co_await connection->upgrade(upgrade));
  connection->start(nullptr);
  co_return base::Result<std::unique_ptr<WebSocket>>(std::make_unique<WebSocketHandle>(connection));
}

}  // namespace net
