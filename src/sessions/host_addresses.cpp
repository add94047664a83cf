// SPDX-License-Identifier: Apache-2.0
#include "sessions/host_addresses.hpp"

#include "net/interfaces.hpp"

namespace sessions {

std::vector<base::IpAddress> host_addresses(const HubOptions& options) {
  if (!options.advertised.empty()) return options.advertised;
  if (!options.media_listen.ip.is_unspecified()) return {options.media_listen.ip};
  auto addresses = net::local_addresses();
  if (options.media_listen.ip.family == base::IpAddress::Family::V4) {
    std::erase_if(addresses, [](const auto& a) { return a.family == base::IpAddress::Family::V6; });
  }
  return addresses;
}

std::vector<base::IpAddress> with_loopback(std::vector<base::IpAddress> addresses, const HubOptions& options) {
  const base::IpAddress& listen = options.media_listen.ip;
  if (!options.advertised.empty() || !listen.is_unspecified()) return addresses;
  std::vector<base::IpAddress> loopback = {base::IpAddress::v4(127, 0, 0, 1)};
  if (listen.family == base::IpAddress::Family::V6) loopback.push_back(*base::IpAddress::parse("::1"));
  addresses.insert(addresses.begin(), loopback.begin(), loopback.end());
  return addresses;
}

std::vector<base::SocketAddress> with_port(const std::vector<base::IpAddress>& addresses, std::uint16_t port) {
  std::vector<base::SocketAddress> out;
  for (const auto& address : addresses) out.push_back({address, port});
  return out;
}

}  // namespace sessions
