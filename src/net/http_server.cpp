// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.hpp"

#include "async/timer.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "net/http_connection.hpp"

namespace net {

namespace {

using State = HttpServer::State;
using Socket = boost::asio::ip::tcp::socket;

async::Task<std::unique_ptr<Stream>> secure(State& state, Socket socket) {
  if (!state.tls) co_return make_tcp_stream(state.shard, std::move(socket));
  const base::Instant deadline = async::now() + state.options.header_timeout;
  auto stream = co_await make_tls_stream(state.shard, std::move(socket), state.tls, "", deadline);
  if (!stream) {
    ++state.stats.tls_failures;
    co_return nullptr;
  }
  co_return std::move(*stream);
}

async::Task<void> serve(std::shared_ptr<State> state, Socket socket, std::uint64_t id) {
  struct Registration {
    State& state;
    std::uint64_t id;
    ~Registration() {
      state.connections.erase(id);
      state.changed.notify_all();
    }
  } const registration{*state, id};
  auto stream = co_await secure(*state, std::move(socket));
  if (!stream || state->stopping) co_return;
  const auto connection = std::make_shared<HttpConnection>(state, std::move(stream));
  state->connections[id].connection = connection.get();
  co_await connection->run();
}

async::Task<void> accept_all(std::shared_ptr<State> state) {
  for (;;) {
    auto socket = co_await state->listener->accept();
    if (!socket) co_return;
    if (state->stats.connections_open >= state->options.max_connections) {
      ++state->stats.connections_refused;
      continue;  // the socket closes itself
    }
    const std::uint64_t id = ++state->stats.connections;
    auto& entry = state->connections[id];
    entry.task =
        state->shard.spawn(state->options.name + " connection",
                           [state, id, socket = std::move(*socket), lease = make_connection_lease(state)]() mutable {
                             return serve(state, std::move(socket), id);
                           });
  }
}

void cut_all(State& state) {
  for (const auto& [id, entry] : state.connections) entry.task.cancel();
}

}  // namespace

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

base::Result<std::unique_ptr<HttpServer>> HttpServer::open(async::Shard& shard, HttpServerOptions options,
                                                           Handler handler) {
  TRY(auto listener, TcpListener::open(shard, options.listen, options.reuse_port));
  auto state = std::make_shared<State>(shard, std::move(options), std::move(handler));
  state->listener = std::move(listener);
  state->accepting = shard.spawn(state->options.name + " listener", [state] { return accept_all(state); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() {
  state_->shard.post([state = state_] {
    state->stopping = true;
    state->listener->close();
    cut_all(*state);
  });
}

base::SocketAddress HttpServer::local_address() const {
  return state_->listener->local_address();
}

void HttpServer::replace_tls(std::shared_ptr<const TlsContext> tls) {
  CHECK(state_->shard.is_current());
  state_->tls = std::move(tls);
}

async::Task<void> HttpServer::stop(base::Duration patience) {
  CHECK(state_->shard.is_current());
  const auto state = state_;
  state->stopping = true;
  state->listener->close();
  for (const auto& [id, entry] : state->connections) {
    if (entry.connection == nullptr || entry.connection->is_idle()) entry.task.cancel();
  }
  const base::Instant deadline = async::now() + patience;
  bool in_time = true;
  while (in_time && !state->connections.empty()) in_time = co_await state->changed.wait_until(deadline);
  cut_all(*state);
  while (!state->connections.empty()) co_await state->changed.wait();
}

HttpServer::Stats HttpServer::stats() const {
  return state_->stats;
}

}  // namespace net
