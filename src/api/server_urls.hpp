// SPDX-License-Identifier: Apache-2.0
#pragma once
// The URLs that are handed out to clients. Nobody else puts URLs together.

#include <cstdint>
#include <string>

#include "net/http_message.hpp"

namespace api {

struct ServerUrls {
  std::string base;  // "https://kvs.example": no trailing slash, no default port
  std::string wss;   // "wss://kvs.example:8443"
};

// `public_url`, if set, decides both; it has a scheme and a host and may have a port. Otherwise scheme and host are
// what the client used. wss is always TLS: on the port the client used if that was TLS, else on `https_port`.
ServerUrls make_server_urls(const net::HttpRequest& request, const std::string& public_url, std::uint16_t https_port);

}  // namespace api
