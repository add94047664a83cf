// SPDX-License-Identifier: Apache-2.0
#pragma once
// Between our addresses and the kernel's; private to the UDP port.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/address.hpp"

namespace net {

base::IpAddress from_in6(const in6_addr& in);
in6_addr to_in6(const base::IpAddress& address);
in_addr to_in(const base::IpAddress& address);
// Of either family: sockaddr_in begins with the same field.
base::SocketAddress from_sockaddr(const sockaddr_in6& address);
// What the socket is bound to.
base::SocketAddress bound_address(int fd);
// The size of what was written.
socklen_t to_sockaddr(const base::SocketAddress& address, bool is_v6_socket, sockaddr_storage& storage);

struct ControlSpace {
  // Received: destination address and segment size. Sent: source address and segment size.
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint32_t))> bytes;
};

// Puts the address that a received datagram was sent to into `out`, where the header's control data tell it.
void read_destination(msghdr& header, base::IpAddress& out);

// The size of the datagrams in a run that was received as one message (UDP_GRO); nothing: it is a single one.
std::optional<std::size_t> read_segment_size(msghdr& header);

// Adds one; the header has no other control data than what came from here.
template <class T>
void add_control(msghdr& header, ControlSpace& space, int level, int type, const T& value) {
  const std::size_t before = header.msg_controllen;
  header.msg_control = space.bytes.data();
  header.msg_controllen = before + CMSG_SPACE(sizeof(T));
  auto* const control = reinterpret_cast<cmsghdr*>(space.bytes.data() + before);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof(T));
  std::memcpy(CMSG_DATA(control), &value, sizeof value);
}

}  // namespace net
