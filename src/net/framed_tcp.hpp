// SPDX-License-Identifier: Apache-2.0
#pragma once
// Datagrams over accepted TCP connections (RFC 4571), for who cannot use UDP. A connection is accepted on one shard,
// shows its first datagram there, and moves to the shard that the datagram belongs to.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/address.hpp"
#include "base/result.hpp"
#include "base/sans_io.hpp"
#include "base/time.hpp"
#include "net/datagram_framing.hpp"

namespace net {

// A connection between two shards: its socket, and what it has sent so far. Closes the socket unless a FramedConnection
// took it over.
class FramedArrival {
 public:
  FramedArrival(int socket, base::Flow flow, DatagramCutter received)
      : socket_(socket), flow_(flow), received_(std::move(received)) {}
  ~FramedArrival();
  FramedArrival(FramedArrival&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), flow_(other.flow_), received_(std::move(other.received_)) {}
  FramedArrival& operator=(FramedArrival&&) = delete;

  const base::Flow& flow() const { return flow_; }  // Transport::Tcp
  base::ByteView first_datagram() { return *received_.peek(); }

 private:
  friend class FramedConnection;
  int socket_;
  base::Flow flow_;
  DatagramCutter received_;
};

// Lives on one shard.
class FramedConnection {
 public:
  struct Stats {
    std::uint64_t received = 0;  // datagrams
    std::uint64_t received_bytes = 0;
    std::uint64_t sent = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t send_drops = 0;  // the remote reads too slowly: over kMaxQueued
  };
  // What waits for a remote that does not read: two seconds of a 1 Mbit/s stream. Beyond it whole datagrams are
  // dropped, as the kernel does for UDP, so that what does arrive is never older than that.
  static constexpr std::size_t kMaxQueued = std::size_t{256} << 10;
  // Consent checks come every few seconds on a connection that anybody uses.
  static constexpr base::Duration kMostSilence = std::chrono::seconds(60);

  // As UdpPort::Receiver.
  using Receiver = std::function<void(base::Instant, std::span<base::Datagram>)>;

  // `receiver` gets the first datagram on a later turn of the loop. `closed` is called once when the connection ends by
  // itself: the remote closed it, was silent for too long, or sent what is not framed. Neither is called after this has
  // been destroyed; both may destroy it. `stats` is added to, on this shard.
  FramedConnection(async::Shard& shard, FramedArrival arrival, std::shared_ptr<Stats> stats, Receiver receiver,
                   std::function<void()> closed);
  ~FramedConnection();
  FramedConnection(const FramedConnection&) = delete;
  FramedConnection& operator=(const FramedConnection&) = delete;

  // Queues a datagram, which leaves whole and in order or is dropped and counted.
  void send(base::ByteView datagram);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// A listening socket on one shard.
class FramedListener {
 public:
  struct Stats {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  // over kMaxWaiting
    std::uint64_t silent = 0;   // closed, or sent no datagram within kFirstDatagram
  };
  // Connections that have not sent a datagram yet; those beyond are closed at once.
  static constexpr std::size_t kMaxWaiting = 256;
  static constexpr base::Duration kFirstDatagram = std::chrono::seconds(5);

  // Decides where a connection goes, by its first datagram. Drops the arrival to close it.
  using Router = std::function<async::Task<void>(FramedArrival)>;

  static base::Result<std::unique_ptr<FramedListener>> open(async::Shard& shard, base::SocketAddress listen,
                                                            Router router);
  // On its shard. The router may still be running in calls that have begun, never after the shard has stopped.
  ~FramedListener();

  base::SocketAddress local_address() const;
  Stats stats() const;

 private:
  struct State;
  explicit FramedListener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace net
