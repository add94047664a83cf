// SPDX-License-Identifier: Apache-2.0
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "async/timer.hpp"
#include "net/tcp_stream.hpp"
#include "net/tls_native.hpp"

namespace net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

class TlsStream final : public Stream {
 public:
  TlsStream(async::Shard& shard, tcp::socket socket, std::shared_ptr<const TlsContext> tls)
      : Stream(shard), tls_(std::move(tls)), stream_(std::move(socket), tls_->native().context) {
    boost::system::error_code ignored;
    local_ = to_address(stream_.next_layer().local_endpoint(ignored));
    remote_ = to_address(stream_.next_layer().remote_endpoint(ignored));
  }

  async::Task<base::Result<void>> shake_hands(const std::string& server_name, base::Instant deadline) {
    if (!server_name.empty() && !set_server_name(server_name)) {
      co_return base::fail(base::Errc::InvalidArgument, "not a host name: " + server_name);
    }
    bool timed_out = false;
    async::Timer timer(shard(), [&] {
      timed_out = true;
      close();
    });
    timer.arm(deadline);
    boost::system::error_code error;
    co_await stream_.async_handshake(
        server_name.empty() ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
        asio::redirect_error(asio::use_awaitable, error));
    if (timed_out) co_return base::fail(base::Errc::Unavailable, "the TLS handshake timed out");
    if (error) co_return base::fail(base::Errc::Io, describe(error));
    co_return base::Result<void>();
  }

  void start_read_some(base::MutableByteView out, Callback done) override {
    // A peer that drops the connection without close_notify has finished, too: HTTP and WebSocket know by themselves
    // whether a message was cut.
    stream_.async_read_some(asio::buffer(out.data(), out.size()),
                            [done = std::move(done)](boost::system::error_code error, std::size_t count) mutable {
                              if (error == asio::ssl::error::stream_truncated) error = asio::error::eof;
                              done(error, count);
                            });
  }

  void start_write_some(std::span<const base::ByteView> pieces, Callback done) override {
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
    stream_.async_write_some(asio::buffer(next.data(), next.size()), std::move(done));
  }

  void start_shut_down(Callback done) override {
    stream_.async_shutdown([this, done = std::move(done)](boost::system::error_code error) mutable {
      boost::system::error_code ignored;
      stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
      done(error, 0);
    });
  }

  void close() override {
    boost::system::error_code ignored;
    stream_.next_layer().close(ignored);
  }
  base::SocketAddress local_address() const override { return local_; }
  base::SocketAddress remote_address() const override { return remote_; }
  bool is_tls() const override { return true; }

 private:
  bool set_server_name(const std::string& name) {
    SSL* handle = stream_.native_handle();
    const bool is_address = base::IpAddress::parse(name).has_value();
    if (!is_address && SSL_set_tlsext_host_name(handle, name.c_str()) != 1) return false;
    if (tls_->native().insecure) return true;
    if (is_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), name.c_str()) == 1;
    return SSL_set1_host(handle, name.c_str()) == 1;
  }

  std::string describe(boost::system::error_code error) {
    const long verdict = SSL_get_verify_result(stream_.native_handle());
    if (verdict != X509_V_OK) {
      return std::string("the server's certificate is not trusted: ") + X509_verify_cert_error_string(verdict);
    }
    return "the TLS handshake failed: " + error.message();
  }

  std::shared_ptr<const TlsContext> tls_;
  asio::ssl::stream<tcp::socket> stream_;
  base::Bytes record_;
  base::SocketAddress local_, remote_;
};

}  // namespace

async::Task<base::Result<std::unique_ptr<Stream>>> make_tls_stream(async::Shard& shard, tcp::socket socket,
                                                                   std::shared_ptr<const TlsContext> tls,
                                                                   std::string server_name, base::Instant deadline) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto stream = std::make_unique<TlsStream>(shard, std::move(socket), std::move(tls));
  CO_TRY_VOID(co_await stream->shake_hands(server_name, deadline));
  co_return base::Result<std::unique_ptr<Stream>>(std::move(stream));
}

}  // namespace net
