// SPDX-License-Identifier: Apache-2.0
#include "net/udp_send_queue.hpp"

#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>

namespace net {
namespace {

constexpr int kMaxRefusals = 8;

bool is_full_buffer(int error) {
  return error == EAGAIN || error == ENOBUFS;
}

// EINVAL: the segments do not fit the route's MTU; EIO: its device cannot; EMSGSIZE: either.
bool is_refusal_of_segments(int error) {
  return error == EINVAL || error == EIO || error == EMSGSIZE;
}

}  // namespace

void UdpSendQueue::prepare(std::size_t i, const base::Burst& burst, bool whole) {
  // sendmsg does not write through this pointer.
  vectors_[i] = {const_cast<std::uint8_t*>(burst.payload.data()), burst.payload.size()};
  msghdr& header = headers_[i].msg_hdr;
  header = {};
  header.msg_name = &targets_[i];
  header.msg_namelen = to_sockaddr(burst.flow.remote, is_v6_, targets_[i]);
  header.msg_iov = &vectors_[i];
  header.msg_iovlen = 1;
  const base::IpAddress& source = burst.flow.local.ip;
  if (!source.is_unspecified() && is_v6_) {
    in6_pktinfo info{};
    info.ipi6_addr = to_in6(source);
    add_control(header, controls_[i], IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else if (!source.is_unspecified() && source.family == base::IpAddress::Family::V4) {
    in_pktinfo info{};
    info.ipi_spec_dst = to_in(source);
    add_control(header, controls_[i], IPPROTO_IP, IP_PKTINFO, info);
  }
  if (whole && burst.payload.size() > burst.segment)
    add_control(header, controls_[i], SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(burst.segment));
}

void UdpSendQueue::count_sent(const base::Burst& burst) {
  stats_.sent += burst.datagrams();
  stats_.sent_bytes += burst.payload.size();
  if (burst.datagrams() > 1) stats_.segmented += burst.datagrams();
}

void UdpSendQueue::flush() {
  sending_.swap(waiting_);
  for (std::size_t at = 0; at < sending_.size();) {
    const std::size_t done = send_some(at);
    if (done == 0) {
      for (; at < sending_.size(); ++at) stats_.drops += sending_[at].datagrams();
    }
    at += done;
  }
  sending_.clear();
}

// None: the kernel has no room.
std::size_t UdpSendQueue::send_some(std::size_t at) {
  std::size_t count = 0;
  while (count < kMessages && at + count < sending_.size()) {
    const base::Burst& burst = sending_[at + count];
    if (!segmentation_ && burst.datagrams() > 1) break;
    prepare(count++, burst, true);
  }
  if (count == 0) return send_one_by_one(sending_[at]) ? 1 : 0;
  const int sent = sendmmsg(fd_, headers_.data(), static_cast<unsigned>(count), 0);
  const int error = errno;
  ++stats_.batches;
  if (sent > 0) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(sent); ++i) count_sent(sending_[at + i]);
    return static_cast<std::size_t>(sent);
  }
  if (error == EINTR) return send_some(at);
  if (is_full_buffer(error)) return 0;
  if (sending_[at].datagrams() > 1 && is_refusal_of_segments(error)) {
    if (++refusals_ >= kMaxRefusals) segmentation_ = false;
    return send_one_by_one(sending_[at]) ? 1 : 0;
  }
  stats_.errors += sending_[at].datagrams();  // this one cannot go; the next may
  return 1;
}

// False when the kernel has no room.
bool UdpSendQueue::send_one_by_one(const base::Burst& burst) {
  prepare(0, burst, false);
  for (std::size_t at = 0; at < burst.payload.size(); at += burst.segment) {
    const std::size_t size = std::min(burst.segment, burst.payload.size() - at);
    vectors_[0] = {const_cast<std::uint8_t*>(burst.payload.data()) + at, size};
    ++stats_.batches;
    if (sendmsg(fd_, &headers_[0].msg_hdr, 0) >= 0) {
      ++stats_.sent;
      stats_.sent_bytes += size;
    } else if (is_full_buffer(errno)) {
      return false;
    } else {
      ++stats_.errors;
    }
  }
  return true;
}

}  // namespace net
