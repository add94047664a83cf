// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "sessions/hub.hpp"

namespace sessions {

// Which addresses become host candidates, most useful first.
std::vector<base::IpAddress> host_addresses(const HubOptions& options);
// For callers on this machine: loopback in front, of each family that we listen on, unless the configuration names what
// is advertised.
std::vector<base::IpAddress> with_loopback(std::vector<base::IpAddress> addresses, const HubOptions& options);
std::vector<base::SocketAddress> with_port(const std::vector<base::IpAddress>& addresses, std::uint16_t port);

}  // namespace sessions
