// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "async/timer.hpp"
#include "net/framed_tcp.hpp"
#include "net/tcp_stream.hpp"

namespace net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

}  // namespace

struct FramedListener::State : std::enable_shared_from_this<State> {
  State(async::Shard& owner, Router given) : shard(owner), router(std::move(given)) {}

  async::Task<void> accept_all();
  async::Task<void> greet(tcp::socket socket, std::uint64_t id);
  async::Task<bool> read_first(tcp::socket& socket, DatagramCutter& received);

  async::Shard& shard;
  Router router;
  std::unique_ptr<TcpListener> listener;
  async::TaskHandle accepting;
  std::map<std::uint64_t, async::TaskHandle> waiting;
  Stats stats;
};

async::Task<void> FramedListener::State::accept_all() {
  const auto self = shared_from_this();
  for (;;) {
    auto socket = co_await listener->accept();
    if (!socket) co_return;
    if (waiting.size() >= kMaxWaiting) {
      ++stats.refused;
      continue;  // the socket closes itself
    }
    const std::uint64_t id = ++stats.accepted;
    waiting.emplace(id, async::TaskHandle());
    waiting[id] = shard.spawn(
        "media TCP", [self, id, taken = std::move(*socket)]() mutable { return self->greet(std::move(taken), id); });
  }
}

async::Task<void> FramedListener::State::greet(tcp::socket socket, std::uint64_t id) {
  struct Place {
    State& state;
    std::uint64_t id;
    ~Place() { state.waiting.erase(id); }
  };
  const auto self = shared_from_this();
  const Place place{*this, id};
  DatagramCutter received;
  const bool has_first = co_await read_first(socket, received);
  if (!has_first) {
    ++stats.silent;
    co_return;
  }
  boost::system::error_code error;
  const base::Flow flow{to_address(socket.local_endpoint(error)), to_address(socket.remote_endpoint(error)),
                        base::Transport::Tcp};
  if (error) co_return;  // gone meanwhile
  const int handle = socket.release(error);
  if (error) co_return;
  FramedArrival arrival(handle, flow, std::move(received));
  co_await router(std::move(arrival));
}

async::Task<bool> FramedListener::State::read_first(tcp::socket& socket, DatagramCutter& received) {
  async::Timer deadline(shard, [&socket] {
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  deadline.arm(async::now() + kFirstDatagram);
  while (!received.peek()) {
    if (received.is_bad()) co_return false;
    const auto space = received.space();
    boost::system::error_code error;
    const std::size_t count = co_await socket.async_read_some(asio::buffer(space.data(), space.size()),
                                                              asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    received.add(count);
  }
  co_return true;
}

FramedListener::FramedListener(std::shared_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<FramedListener>> FramedListener::open(async::Shard& shard, base::SocketAddress listen,
                                                                   Router router) {
  TRY(auto listener, TcpListener::open(shard, listen, false));
  auto state = std::make_shared<State>(shard, std::move(router));
  state->listener = std::move(listener);
  state->accepting = shard.spawn("media TCP listener", [state] { return state->accept_all(); });
  return std::unique_ptr<FramedListener>(new FramedListener(std::move(state)));
}

FramedListener::~FramedListener() {
  state_->listener->close();
  for (const auto& [id, task] : state_->waiting) task.cancel();
}

base::SocketAddress FramedListener::local_address() const {
  return state_->listener->local_address();
}

FramedListener::Stats FramedListener::stats() const {
  return state_->stats;
}

}  // namespace net
