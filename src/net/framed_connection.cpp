// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <vector>

#include "base/check.hpp"
#include "net/framed_tcp.hpp"
#include "net/stream.hpp"
#include "net/tcp_stream.hpp"

namespace net {
namespace {

using boost::asio::ip::tcp;

std::unique_ptr<Stream> make_stream(async::Shard& shard, int socket, const base::Flow& flow) {
  tcp::socket owned(shard.executor());
  boost::system::error_code error;
  owned.assign(to_endpoint(flow.local).protocol(), socket, error);
  if (error) close(socket);  // the stream's first read fails
  return make_tcp_stream(shard, std::move(owned));
}

}  // namespace

FramedArrival::~FramedArrival() {
  if (socket_ >= 0) close(socket_);
}

// Kept by its reading task and by the write under way; the owner lets go of it first.
struct FramedConnection::State : std::enable_shared_from_this<State> {
  State(async::Shard& shard, FramedArrival& arrival, std::shared_ptr<Stats> given_stats, Receiver given_receiver,
        std::function<void()> given_closed)
      : flow(arrival.flow_),
        received(std::move(arrival.received_)),
        stats(std::move(given_stats)),
        receiver(std::move(given_receiver)),
        closed(std::move(given_closed)),
        stream(make_stream(shard, std::exchange(arrival.socket_, -1), arrival.flow_)) {}

  async::Task<void> read_all();
  void deliver();
  void write();

  const base::Flow flow;
  DatagramCutter received;
  std::shared_ptr<Stats> stats;
  Receiver receiver;
  std::function<void()> closed;
  std::unique_ptr<Stream> stream;
  base::Bytes waiting, leaving;
  std::size_t left = 0;  // of `leaving`
  bool is_writing = false;
  bool is_dropped = false;  // by its owner
  async::TaskHandle reading;
};

FramedConnection::FramedConnection(async::Shard& shard, FramedArrival arrival, std::shared_ptr<Stats> stats,
                                   Receiver receiver, std::function<void()> closed)
    : state_(std::make_shared<State>(shard, arrival, std::move(stats), std::move(receiver), std::move(closed))) {
  CHECK(shard.is_current());
  state_->reading = shard.spawn("media TCP " + state_->flow.remote.text(),
                                [state = state_]() -> async::Task<void> { return state->read_all(); });
}

FramedConnection::~FramedConnection() {
  state_->is_dropped = true;
  state_->reading.cancel();
  state_->stream->close();
}

void FramedConnection::send(base::ByteView datagram) {
  if (state_->waiting.size() + state_->leaving.size() - state_->left + datagram.size() > kMaxQueued) {
    ++state_->stats->send_drops;
    return;
  }
  ++state_->stats->sent;
  state_->stats->sent_bytes += datagram.size();
  append_framed(state_->waiting, datagram);
  if (!state_->is_writing) state_->write();
}

void FramedConnection::State::write() {
  if (left == leaving.size()) {
    leaving.clear();
    leaving.swap(waiting);
    left = 0;
  }
  is_writing = !leaving.empty();
  if (!is_writing) return;
  const base::ByteView rest = base::ByteView(leaving).subspan(left);
  stream->start_write_some({&rest, 1}, [self = shared_from_this()](const auto& error, std::size_t count) {
    if (error) return self->stream->close();  // the reading task says the rest
    self->left += count;
    self->write();
  });
}

void FramedConnection::State::deliver() {
  std::vector<base::Datagram> batch;
  while (const auto datagram = received.next()) {
    ++stats->received;
    stats->received_bytes += datagram->size();
    batch.push_back({flow, *datagram});
  }
  if (!batch.empty()) receiver(async::now(), batch);
}

async::Task<void> FramedConnection::State::read_all() {
  const auto self = shared_from_this();
  while (!is_dropped) {
    deliver();
    if (is_dropped || received.is_bad()) break;
    const auto count = co_await stream->read_some(received.space(), async::now() + kMostSilence);
    if (!count || *count == 0) break;
    received.add(*count);
  }
  stream->close();
  if (!is_dropped) closed();
}

}  // namespace net
