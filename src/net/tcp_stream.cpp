// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/container/static_vector.hpp>
#include <cstring>

#include "async/timer.hpp"
#include "base/log.hpp"

namespace net {

namespace asio = boost::asio;
using asio::ip::tcp;

base::SocketAddress to_address(const tcp::endpoint& endpoint) {
  base::SocketAddress address;
  address.port = endpoint.port();
  if (endpoint.address().is_v4()) {
    const auto bytes = endpoint.address().to_v4().to_bytes();
    std::memcpy(address.ip.bytes.data(), bytes.data(), bytes.size());
    return address;
  }
  const auto v6 = endpoint.address().to_v6();
  const auto bytes = v6.to_bytes();
  if (v6.is_v4_mapped()) {
    std::memcpy(address.ip.bytes.data(), bytes.data() + 12, 4);
    return address;
  }
  address.ip.family = base::IpAddress::Family::V6;
  std::memcpy(address.ip.bytes.data(), bytes.data(), bytes.size());
  return address;
}

tcp::endpoint to_endpoint(const base::SocketAddress& address) {
  if (address.ip.family == base::IpAddress::Family::V4) {
    asio::ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), address.ip.bytes.data(), bytes.size());
    return {asio::ip::address_v4(bytes), address.port};
  }
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), address.ip.bytes.data(), bytes.size());
  return {asio::ip::address_v6(bytes), address.port};
}

namespace {

class TcpStream final : public Stream {
 public:
  TcpStream(async::Shard& shard, tcp::socket socket) : Stream(shard), socket_(std::move(socket)) {
    boost::system::error_code ignored;
    local_ = to_address(socket_.local_endpoint(ignored));
    remote_ = to_address(socket_.remote_endpoint(ignored));
  }

  void start_read_some(base::MutableByteView out, Callback done) override {
    socket_.async_read_some(asio::buffer(out.data(), out.size()), std::move(done));
  }
  void start_write_some(std::span<const base::ByteView> pieces, Callback done) override {
    // 16 pieces are what one system call of Asio's takes anyway.
    boost::container::static_vector<asio::const_buffer, 16> buffers;
    for (const base::ByteView piece : pieces.first(std::min<std::size_t>(pieces.size(), 16))) {
      buffers.emplace_back(piece.data(), piece.size());
    }
    socket_.async_write_some(buffers, std::move(done));
  }
  void start_shut_down(Callback done) override {
    boost::system::error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    asio::post(socket_.get_executor(), [done = std::move(done), error]() mutable { done(error, 0); });
  }
  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  base::SocketAddress local_address() const override { return local_; }
  base::SocketAddress remote_address() const override { return remote_; }
  bool is_tls() const override { return false; }

 private:
  tcp::socket socket_;
  base::SocketAddress local_, remote_;
};

}  // namespace

std::unique_ptr<Stream> make_tcp_stream(async::Shard& shard, tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  return std::make_unique<TcpStream>(shard, std::move(socket));
}

TcpListener::TcpListener(async::Shard& shard, tcp::acceptor acceptor, base::SocketAddress local)
    : shard_(shard), acceptor_(std::move(acceptor)), local_(local) {}

base::Result<std::unique_ptr<TcpListener>> TcpListener::open(async::Shard& shard, const base::SocketAddress& listen,
                                                             bool reuse_port) {
  using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  const tcp::endpoint endpoint = to_endpoint(listen);
  tcp::acceptor acceptor(shard.executor());
  boost::system::error_code error;
  const auto failed = [&](const char* step) {
    return base::fail(base::Errc::Io, "cannot " + std::string(step) + " " + listen.text() + ": " + error.message());
  };
  acceptor.open(endpoint.protocol(), error);
  if (error) return failed("open a socket for");
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (reuse_port) acceptor.set_option(ReusePort(true), error);
  // [::] takes IPv4 as well.
  if (listen.ip.family == base::IpAddress::Family::V6) acceptor.set_option(asio::ip::v6_only(false), error);
  acceptor.bind(endpoint, error);
  if (error) return failed("bind");
  acceptor.listen(1024, error);
  if (error) return failed("listen on");
  const base::SocketAddress local = to_address(acceptor.local_endpoint(error));
  return std::unique_ptr<TcpListener>(new TcpListener(shard, std::move(acceptor), local));
}

async::Task<base::Result<tcp::socket>> TcpListener::accept() {
  for (;;) {
    boost::system::error_code error;
    tcp::socket socket =
        co_await acceptor_.async_accept(shard_.executor(), asio::redirect_error(asio::use_awaitable, error));
    if (!error) co_return base::Result<tcp::socket>(std::move(socket));
    if (!acceptor_.is_open() || error == asio::error::operation_aborted) {
      co_return base::fail(base::Errc::Cancelled, "the listener is closed");
    }
    // Out of descriptors or memory: those who wait in the backlog are served when connections end.
    if (error != asio::error::connection_aborted) {
      base::log_warning("accepting on {}: {}", local_.text(), error.message());
      co_await async::sleep_for(std::chrono::milliseconds(200));
    }
  }
}

void TcpListener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

}  // namespace net
