// SPDX-License-Identifier: Apache-2.0
#include "net/udp_sockaddr.hpp"

#include <netinet/udp.h>

namespace net {

base::IpAddress from_in6(const in6_addr& in) {
  base::IpAddress address;
  if (IN6_IS_ADDR_V4MAPPED(&in)) {
    std::memcpy(address.bytes.data(), &in.s6_addr[12], 4);
  } else {
    address.family = base::IpAddress::Family::V6;
    std::memcpy(address.bytes.data(), &in, 16);
  }
  return address;
}

in6_addr to_in6(const base::IpAddress& address) {
  in6_addr out{};
  if (address.family == base::IpAddress::Family::V4) {
    out.s6_addr[10] = out.s6_addr[11] = 0xff;
    std::memcpy(&out.s6_addr[12], address.bytes.data(), 4);
  } else {
    std::memcpy(&out, address.bytes.data(), 16);
  }
  return out;
}

in_addr to_in(const base::IpAddress& address) {
  in_addr out{};
  std::memcpy(&out, address.bytes.data(), 4);
  return out;
}

base::SocketAddress from_sockaddr(const sockaddr_in6& address) {
  base::SocketAddress out;
  if (address.sin6_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(out.ip.bytes.data(), &in.sin_addr, 4);
    out.port = ntohs(in.sin_port);
  } else if (address.sin6_family == AF_INET6) {
    out.ip = from_in6(address.sin6_addr);
    out.port = ntohs(address.sin6_port);
  }
  return out;
}

base::SocketAddress bound_address(int fd) {
  sockaddr_in6 bound{};
  socklen_t size = sizeof bound;
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return from_sockaddr(bound);
}

void read_destination(msghdr& header, base::IpAddress& out) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
      in_pktinfo got{};
      std::memcpy(&got, CMSG_DATA(control), sizeof got);
      std::memcpy(out.bytes.data(), &got.ipi_addr, 4);
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo got{};
      std::memcpy(&got, CMSG_DATA(control), sizeof got);
      out = from_in6(got.ipi6_addr);
    }
  }
}

std::optional<std::size_t> read_segment_size(msghdr& header) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(control), sizeof size);
    if (size > 0) return static_cast<std::size_t>(size);
  }
  return std::nullopt;
}

socklen_t to_sockaddr(const base::SocketAddress& address, bool is_v6_socket, sockaddr_storage& storage) {
  storage = {};
  if (!is_v6_socket) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    in.sin_addr = to_in(address.ip);
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(address.port);
  in.sin6_addr = to_in6(address.ip);
  std::memcpy(&storage, &in, sizeof in);
  return sizeof in;
}

}  // namespace net
