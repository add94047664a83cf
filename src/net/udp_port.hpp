// SPDX-License-Identifier: Apache-2.0
#pragma once
// A UDP socket with batched receive and send.
//
// Receive: while traffic flows the port wakes on a tick and drains the socket with recvmmsg (1.2 us a packet against
// 7 us for a wake-up per packet); when nothing has come for a few ticks it sleeps in epoll and costs nothing. The tick
// grows with the traffic: what is waited for then costs less, since one visit to a session's memory serves more
// packets.

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

struct UdpPortOptions {
  // 0.0.0.0 takes IPv4 only; [::] takes both (IPv4 peers appear as IPv4 addresses). Port 0: the system chooses.
  base::SocketAddress listen{};
  base::Duration tick = std::chrono::milliseconds(2);
  base::Duration longest_tick = std::chrono::milliseconds(20);
  // Datagrams a second that a millisecond of tick is worth.
  std::size_t packets_per_millisecond_of_tick = 3200;
  // The kernel may grant less; stats() says. Under load it holds what comes in half a second.
  std::size_t receive_buffer_bytes = 128 << 20;
  std::size_t send_buffer_bytes = 4 << 20;
  bool segmentation = true;  // false: the datagrams of a burst are handed to the kernel one by one
  // UDP_GRO: datagrams of one flow and size that come one after the other are read together, where the kernel can.
  bool gro = true;
};

// Lives on one shard: created, used and destroyed there (or created before the shard has work).
class UdpPort {
 public:
  // One call per batch, in order of arrival. `flow.local` is the address the packet was sent to. The payloads may be
  // changed in place and are gone when the call returns. Must not throw.
  using Receiver = std::function<void(base::Instant, std::span<base::Datagram>)>;

  static base::Result<std::unique_ptr<UdpPort>> open(async::Shard& shard, UdpPortOptions options, Receiver receiver);
  ~UdpPort();
  UdpPort(const UdpPort&) = delete;
  UdpPort& operator=(const UdpPort&) = delete;

  // Queues a datagram; all that is queued leaves by sendmmsg at the end of the batch or of the current event, in
  // order. `flow.local.ip` becomes the source address unless it is unspecified (flow.local.port is ignored).
  // What the kernel cannot take at once is dropped and counted: UDP senders repair.
  void send(base::Transmit transmit);
  void send_burst(base::Burst burst);
  // Sends what is queued now.
  void flush();

  base::SocketAddress local_address() const;

  struct Stats {
    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t received_together = 0;  // of those: datagrams that the kernel handed over in a run
    std::uint64_t receive_batches = 0;
    // Dropped by the kernel, most of them because the socket buffer was full; a run of datagrams counts once.
    std::uint64_t receive_overflows = 0;
    std::uint64_t oversized = 0;  // longer than kMaxDatagram, dropped
    std::uint64_t sent = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t sent_segmented = 0;  // of those: datagrams that left in a burst
    std::uint64_t send_batches = 0;
    std::uint64_t send_drops = 0;          // kernel buffer full
    std::uint64_t send_errors = 0;         // unreachable, not permitted, source address gone
    std::uint64_t wakeups = 0;             // ticks and epoll wake-ups
    double receive_fill = 0;               // of the kernel's buffer, what waits in it now: 0 to 1
    base::Duration receive_delay{};        // how long the datagram that was read last had waited there
    base::Instant last_read{};             // when that was
    base::Duration processor_time{};       // for reading, and what the receiver made of it
    std::size_t receive_buffer_bytes = 0;  // granted
    std::size_t send_buffer_bytes = 0;
  };
  Stats stats() const;

  static constexpr std::size_t kMaxDatagram = 2048;

 private:
  struct State;
  explicit UdpPort(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace net
