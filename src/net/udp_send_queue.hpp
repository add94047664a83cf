// SPDX-License-Identifier: Apache-2.0
#pragma once
// What waits to leave a UDP socket; private to the UDP port.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/burst.hpp"
#include "net/udp_sockaddr.hpp"

namespace net {

struct SendStats {
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t batches = 0;    // system calls
  std::uint64_t segmented = 0;  // of those sent: datagrams that the kernel cut from a burst
  std::uint64_t drops = 0;      // kernel buffer full
  std::uint64_t errors = 0;
};

// Sends in order, a batch for each system call, and a burst as one message that the kernel cuts. A route that refuses
// bursts (a small MTU, a device without checksums) gets their datagrams one by one; after a few refusals all do.
class UdpSendQueue {
 public:
  // `fd` is open and non-blocking as long as this lives.
  UdpSendQueue(int fd, bool is_v6, bool segmentation) : fd_(fd), is_v6_(is_v6), segmentation_(segmentation) {}

  void push(base::Burst burst) { waiting_.push_back(std::move(burst)); }
  bool is_full() const { return waiting_.size() >= kMessages; }
  void flush();
  const SendStats& stats() const { return stats_; }
  void count_error() { ++stats_.errors; }

 private:
  static constexpr std::size_t kMessages = 64;  // per sendmmsg

  // Returns how many bursts are done with.
  std::size_t send_some(std::size_t at);
  void prepare(std::size_t i, const base::Burst& burst, bool whole);
  bool send_one_by_one(const base::Burst& burst);
  void count_sent(const base::Burst& burst);

  const int fd_;
  const bool is_v6_;
  bool segmentation_;
  int refusals_ = 0;
  std::vector<base::Burst> waiting_, sending_;
  SendStats stats_;
  std::array<iovec, kMessages> vectors_;
  std::array<mmsghdr, kMessages> headers_;
  std::array<sockaddr_storage, kMessages> targets_;
  std::array<ControlSpace, kMessages> controls_;
};

}  // namespace net
