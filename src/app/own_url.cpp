// SPDX-License-Identifier: Apache-2.0
#include "app/own_url.hpp"

#include <vector>

#include "net/interfaces.hpp"

namespace app {

std::string own_url(const Configuration& configuration) {
  if (!configuration.public_url.empty()) return configuration.public_url;
  base::SocketAddress address = configuration.https_listen;
  if (!configuration.advertise_ip.empty()) address.ip = configuration.advertise_ip.front();
  if (address.ip.is_unspecified()) {
    const std::vector<base::IpAddress> local = net::local_addresses();
    address.ip = local.empty() ? base::IpAddress::v4(127, 0, 0, 1) : local.front();
  }
  return "https://" + address.text();
}

}  // namespace app
