// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: TCP sockets, accepted or connected, and TLS on top of them.

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/address.hpp"
#include "base/result.hpp"
#include "net/stream.hpp"
#include "net/tls_context.hpp"

namespace net {

base::SocketAddress to_address(const boost::asio::ip::tcp::endpoint& endpoint);
boost::asio::ip::tcp::endpoint to_endpoint(const base::SocketAddress& address);

// A stream of the bare socket.
std::unique_ptr<Stream> make_tcp_stream(async::Shard& shard, boost::asio::ip::tcp::socket socket);
// A stream after the TLS handshake; `server_name` is empty on the server's side.
async::Task<base::Result<std::unique_ptr<Stream>>> make_tls_stream(async::Shard& shard,
                                                                   boost::asio::ip::tcp::socket socket,
                                                                   std::shared_ptr<const TlsContext> tls,
                                                                   std::string server_name, base::Instant deadline);

// A listening socket of one shard.
class TcpListener {
 public:
  static base::Result<std::unique_ptr<TcpListener>> open(async::Shard& shard, const base::SocketAddress& listen,
                                                         bool reuse_port);
  // Waits through shortages of file descriptors; fails when the listener is closed.
  async::Task<base::Result<boost::asio::ip::tcp::socket>> accept();
  void close();
  base::SocketAddress local_address() const { return local_; }

 private:
  TcpListener(async::Shard& shard, boost::asio::ip::tcp::acceptor acceptor, base::SocketAddress local);
  async::Shard& shard_;
  boost::asio::ip::tcp::acceptor acceptor_;
  base::SocketAddress local_;
};

}  // namespace net
