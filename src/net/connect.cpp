// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/timer.hpp"
#include "base/check.hpp"
#include "net/tcp_stream.hpp"

namespace net {

namespace asio = boost::asio;
using asio::ip::tcp;

async::Task<base::Result<std::unique_ptr<Stream>>> connect_stream(ConnectOptions options) {
  CHECK(async::Shard::current() != nullptr);
  async::Shard& shard = *async::Shard::current();
  const base::Instant deadline = async::now() + options.timeout;
  const std::string where = options.host + ":" + std::to_string(options.port);

  tcp::resolver resolver(shard.executor());
  tcp::socket socket(shard.executor());
  bool timed_out = false;
  async::Timer timer(shard, [&] {
    timed_out = true;
    resolver.cancel();
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  timer.arm(deadline);
  boost::system::error_code error;
  const auto endpoints = co_await resolver.async_resolve(options.host, std::to_string(options.port),
                                                         asio::redirect_error(asio::use_awaitable, error));
  if (!error) co_await asio::async_connect(socket, endpoints, asio::redirect_error(asio::use_awaitable, error));
  if (timed_out) co_return base::fail(base::Errc::Unavailable, "connecting to " + where + " timed out");
  if (error) co_return base::fail(base::Errc::Unavailable, "cannot connect to " + where + ": " + error.message());
  timer.disarm();

  if (!options.tls) co_return base::Result<std::unique_ptr<Stream>>(make_tcp_stream(shard, std::move(socket)));
  auto secured = co_await make_tls_stream(shard, std::move(socket), options.tls, options.host, deadline);
  if (!secured) co_return base::fail(std::move(secured).error().with_context(where));
  co_return secured;
}

}  // namespace net
