// SPDX-License-Identifier: Apache-2.0
#include "net/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

namespace net {

namespace {

std::optional<base::IpAddress> usable_address(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0) return std::nullopt;
  base::IpAddress address;
  if (entry.ifa_addr->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, entry.ifa_addr, sizeof in);
    std::memcpy(address.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
  } else if (entry.ifa_addr->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, entry.ifa_addr, sizeof in);
    address.family = base::IpAddress::Family::V6;
    std::memcpy(address.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
  } else {
    return std::nullopt;
  }
  if (address.is_loopback() || address.is_link_local() || address.is_unspecified()) return std::nullopt;
  return address;
}

}  // namespace

std::vector<base::IpAddress> local_addresses() {
  ifaddrs* entries = nullptr;
  if (getifaddrs(&entries) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype([](ifaddrs* list) { freeifaddrs(list); })> owner(entries);
  std::vector<base::IpAddress> addresses;
  for (const ifaddrs* entry = entries; entry != nullptr; entry = entry->ifa_next) {
    const auto address = usable_address(*entry);
    if (address && std::ranges::find(addresses, *address) == addresses.end()) addresses.push_back(*address);
  }
  std::ranges::sort(addresses);  // IPv4 first
  return addresses;
}

}  // namespace net
