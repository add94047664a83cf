// SPDX-License-Identifier: Apache-2.0
#pragma once
// The addresses of this machine.

#include <vector>

#include "base/address.hpp"

namespace net {

// Addresses of interfaces that are up, IPv4 first; without loopback, link-local and unspecified ones. Each once.
std::vector<base::IpAddress> local_addresses();

}  // namespace net
