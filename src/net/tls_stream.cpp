// SPDX-License-Identifier: Apache-2.0
// TLS on a non-blocking socket: OpenSSL reads from it and writes to it, Asio only waits. Asio's own TLS stream copies
// every byte twice more and goes through the event loop for each record: less than half the bytes per core-second.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "async/timer.hpp"
#include "base/check.hpp"
#include "net/socket_bio.hpp"
#include "net/tcp_stream.hpp"
#include "net/tls_native.hpp"

namespace net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Records written before others on this shard have their turn: about 0.15 ms.
constexpr std::size_t kMostAtOnce = std::size_t{256} * 1024;

struct Outcome {
  error_code error;
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class TlsStream final : public Stream {
 public:
  TlsStream(async::Shard& shard, tcp::socket socket, std::shared_ptr<const TlsContext> tls)
      : Stream(shard),
        tls_(std::move(tls)),
        socket_(std::move(socket)),
        ssl_(SSL_new(tls_->native().context.native_handle())) {
    CHECK(ssl_ != nullptr);
    error_code ignored;
    local_ = to_address(socket_.local_endpoint(ignored));
    remote_ = to_address(socket_.remote_endpoint(ignored));
    socket_.non_blocking(true, ignored);
    descriptor_ = socket_.native_handle();
    BIO* bio = make_socket_bio(descriptor_);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_read_ahead(ssl_.get(), 1);
  }

  async::Task<base::Result<void>> shake_hands(const std::string& server_name, base::Instant deadline);

  void start_read_some(base::MutableByteView out, Callback done) override {
    attempt([this, out](std::size_t& count) { return SSL_read_ex(ssl_.get(), out.data(), out.size(), &count); },
            std::move(done), Caller::Starter);
  }

  void start_write_some(std::span<const base::ByteView> pieces, Callback done) override;

  void start_shut_down(Callback done) override {
    const auto say_goodbye = [this](std::size_t&) {
      const int said = SSL_shutdown(ssl_.get());
      return said == 0 ? 1 : said;  // 0: the peer has not said it yet, which is waited for by reading
    };
    attempt(
        say_goodbye,
        [this, done = std::move(done)](error_code error, std::size_t) mutable {
          error_code ignored;
          socket_.shutdown(tcp::socket::shutdown_send, ignored);
          done(error, 0);
        },
        Caller::Starter);
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
    descriptor_ = -1;  // another connection may get the number
  }
  base::SocketAddress local_address() const override { return local_; }
  base::SocketAddress remote_address() const override { return remote_; }
  bool is_tls() const override { return true; }

 private:
  enum class Caller : std::uint8_t { Starter, EventLoop };

  // Tries `step`, an operation of OpenSSL's that says 1 when it is through, now and whenever the socket lets it go on.
  template <class Step>
  void attempt(Step step, Callback done, Caller caller);
  void finish(error_code error, std::size_t count, Callback done, Caller caller);
  // What the last operation failed with.
  error_code read_error(int verdict) const;

  bool set_server_name(const std::string& name);
  std::string describe(error_code error);

  std::shared_ptr<const TlsContext> tls_;
  tcp::socket socket_;
  int descriptor_ = -1;  // of socket_, for OpenSSL
  std::unique_ptr<SSL, FreeSsl> ssl_;
  base::Bytes record_;
  base::SocketAddress local_, remote_;
};

template <class Step>
void TlsStream::attempt(Step step, Callback done, Caller caller) {
  if (!socket_.is_open()) return finish(asio::error::operation_aborted, 0, std::move(done), caller);
  ERR_clear_error();
  errno = 0;
  std::size_t count = 0;
  const int status = step(count);
  if (status == 1) return finish({}, count, std::move(done), caller);
  const int verdict = SSL_get_error(ssl_.get(), status);
  if (verdict != SSL_ERROR_WANT_READ && verdict != SSL_ERROR_WANT_WRITE) {
    return finish(read_error(verdict), 0, std::move(done), caller);
  }
  const auto wait = verdict == SSL_ERROR_WANT_READ ? tcp::socket::wait_read : tcp::socket::wait_write;
  socket_.async_wait(wait, [this, step = std::move(step), done = std::move(done)](error_code error) mutable {
    if (error) return done(error, 0);
    attempt(std::move(step), std::move(done), Caller::EventLoop);
  });
}

void TlsStream::finish(error_code error, std::size_t count, Callback done, Caller caller) {
  if (caller == Caller::EventLoop) return done(error, count);
  asio::post(socket_.get_executor(), [done = std::move(done), error, count]() mutable { done(error, count); });
}

error_code TlsStream::read_error(int verdict) const {
  // A peer that drops the connection without close_notify has finished, too: HTTP and WebSocket know by themselves
  // whether a message was cut.
  if (verdict == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
  const unsigned long reason = ERR_get_error();
  if (reason != 0) return {static_cast<int>(reason), asio::error::get_ssl_category()};
  if (errno != 0) return {errno, boost::system::system_category()};
  return asio::error::eof;
}

void TlsStream::start_write_some(std::span<const base::ByteView> pieces, Callback done) {
  base::ByteView next = pieces.front();
  if (pieces.size() > 1 && next.size() < kOneRecord) {
    // One SSL_write is one record; webrtc-sdk-c takes the first record it reads for the whole answer.
    record_.clear();
    for (const base::ByteView piece : pieces) {
      if (record_.size() == kOneRecord) break;
      base::append(record_, piece.first(std::min(piece.size(), kOneRecord - record_.size())));
    }
    next = record_;
  }
  // What OpenSSL could not send it keeps as a record: the same bytes come again, from the start of `rest` on.
  const auto write = [this, next](std::size_t& count) {
    int status = 1;
    while (status == 1 && count < std::min(next.size(), kMostAtOnce)) {
      const base::ByteView rest = next.subspan(count);
      std::size_t written = 0;
      status = SSL_write_ex(ssl_.get(), rest.data(), std::min(rest.size(), kOneRecord), &written);
      count += written;
    }
    return count > 0 ? 1 : status;
  };
  attempt(write, std::move(done), Caller::Starter);
}

async::Task<base::Result<void>> TlsStream::shake_hands(const std::string& server_name, base::Instant deadline) {
  if (!server_name.empty() && !set_server_name(server_name)) {
    co_return base::fail(base::Errc::InvalidArgument, "not a host name: " + server_name);
  }
  if (server_name.empty()) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
  bool timed_out = false;
  async::Timer timer(shard(), [&] {
    timed_out = true;
    close();
  });
  timer.arm(deadline);
  // The error is the value: a completion that carries one would throw.
  const auto [error] = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome)>(
      [this](auto handler) {
        attempt([this](std::size_t&) { return SSL_do_handshake(ssl_.get()); },
                [handler = std::move(handler)](error_code result, std::size_t) mutable {
                  std::move(handler)(Outcome{result});
                },
                Caller::Starter);
      },
      asio::use_awaitable);
  if (timed_out) co_return base::fail(base::Errc::Unavailable, "the TLS handshake timed out");
  if (error) co_return base::fail(base::Errc::Io, describe(error));
  co_return base::Result<void>();
}

bool TlsStream::set_server_name(const std::string& name) {
  SSL* handle = ssl_.get();
  const bool is_address = base::IpAddress::parse(name).has_value();
  if (!is_address && SSL_set_tlsext_host_name(handle, name.c_str()) != 1) return false;
  if (tls_->native().insecure) return true;
  if (is_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), name.c_str()) == 1;
  return SSL_set1_host(handle, name.c_str()) == 1;
}

std::string TlsStream::describe(error_code error) {
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) {
    return std::string("the server's certificate is not trusted: ") + X509_verify_cert_error_string(verdict);
  }
  return "the TLS handshake failed: " + error.message();
}

}  // namespace

async::Task<base::Result<std::unique_ptr<Stream>>> make_tls_stream(async::Shard& shard, tcp::socket socket,
                                                                   std::shared_ptr<const TlsContext> tls,
                                                                   std::string server_name, base::Instant deadline) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto stream = std::make_unique<TlsStream>(shard, std::move(socket), std::move(tls));
  CO_TRY_VOID(co_await stream->shake_hands(server_name, deadline));
  co_return base::Result<std::unique_ptr<Stream>>(std::move(stream));
}

}  // namespace net
