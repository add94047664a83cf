// SPDX-License-Identifier: Apache-2.0
#pragma once
// What every handler learns about the call besides its typed input.

#include <string>

#include "aws/policy.hpp"
#include "base/address.hpp"
#include "base/time.hpp"

namespace api {

struct Call {
  std::string request_id;
  std::string account_id;
  std::string region;
  std::string access_key_id;    // empty on routes without a signature
  aws::PrincipalPtr principal;  // whose key that is; null without a signature
  base::SocketAddress caller;
  base::WallTime received_at;
  // Scheme and host for URLs that this answer hands out: public_url if configured, else what the client itself used.
  // No trailing slash, and never a default port ("https://kvs.example", "http://127.0.0.1:8080").
  std::string base_url;
  // The same for WebSockets: always wss://, on the HTTPS port.
  std::string wss_url;
};

}  // namespace api
