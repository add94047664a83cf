// SPDX-License-Identifier: Apache-2.0
#pragma once
// Many UDP sockets of one shard, each with an address of its own, that share a tick: thousands of cameras in a process.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "async/shard.hpp"
#include "base/address.hpp"
#include "base/burst.hpp"
#include "base/result.hpp"
#include "base/sans_io.hpp"
#include "base/time.hpp"

namespace net {

struct UdpPortGroupOptions {
  base::Duration tick = std::chrono::milliseconds(2);
  std::size_t receive_buffer_bytes = 1 << 20;  // of each socket; the kernel may grant less
  std::size_t send_buffer_bytes = 1 << 20;
  // How long a tick may take to read; what is left comes with the next one.
  std::size_t datagrams_per_tick = 4096;
};

// Lives on one shard, and outlives its sockets. The sockets are IPv4.
class UdpPortGroup {
 public:
  // As UdpPort's.
  using Receiver = std::function<void(base::Instant, std::span<base::Datagram>)>;
  class Socket;

  static base::Result<std::shared_ptr<UdpPortGroup>> make(async::Shard& shard, UdpPortGroupOptions options = {});
  ~UdpPortGroup();
  UdpPortGroup(const UdpPortGroup&) = delete;
  UdpPortGroup& operator=(const UdpPortGroup&) = delete;

  // `listen` has an IPv4 address; port 0: the system chooses.
  base::Result<std::unique_ptr<Socket>> open(base::SocketAddress listen, Receiver receiver);

  struct Stats {
    std::uint64_t sent = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t received = 0;
    std::uint64_t send_calls = 0;
    std::uint64_t send_drops = 0;   // kernel buffer full
    std::uint64_t send_errors = 0;  // unreachable, not permitted
  };
  Stats stats() const;

 private:
  struct State;
  explicit UdpPortGroup(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// Owned by a connection, on the group's shard; closes when it goes, also from within its own receiver.
class UdpPortGroup::Socket {
 public:
  struct Place;
  Socket(std::shared_ptr<State> group, std::shared_ptr<Place> place);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  base::SocketAddress local_address() const;
  // Leaves at once, a burst in one system call. `flow.local.ip` becomes the source address unless it is unspecified.
  // What the kernel cannot take is dropped and counted.
  void send(const base::Transmit& transmit);
  void send_burst(const base::Burst& burst);
  // Of what those look at, into the cache.
  void prefetch() const { __builtin_prefetch(place_.get()); }

 private:
  std::shared_ptr<State> group_;
  std::shared_ptr<Place> place_;
};

}  // namespace net
