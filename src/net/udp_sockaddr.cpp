// SPDX-License-Identifier: Apache-2.0
#include "net/udp_sockaddr.hpp"

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

base::SocketAddress from_sockaddr(const sockaddr_storage& storage) {
  base::SocketAddress address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(address.ip.bytes.data(), &in.sin_addr, 4);
    address.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    address.ip = from_in6(in.sin6_addr);
    address.port = ntohs(in.sin6_port);
  }
  return address;
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
