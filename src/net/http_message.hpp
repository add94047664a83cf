// SPDX-License-Identifier: Apache-2.0
#pragma once
// HTTP/1.1 messages as values.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace net {

struct HttpHeader {
  std::string name;
  std::string value;
};

// In the order and the case in which they were sent; a name may come more than once.
struct HttpHeaders : std::vector<HttpHeader> {
  using std::vector<HttpHeader>::vector;
  // The first one of that name, whatever its case.
  std::optional<std::string_view> find(std::string_view name) const;
  // True when the comma separated list of `name` holds `token`, whatever the case ("Connection: keep-alive, Upgrade").
  bool has_token(std::string_view name, std::string_view token) const;
  void add(std::string name, std::string value) { push_back({std::move(name), std::move(value)}); }
};

struct HttpRequest {
  std::string method;     // as sent: methods are case-sensitive
  std::string target;     // as sent, percent-encoding untouched
  std::string path;       // target up to '?', undecoded
  std::string query;      // target after '?', undecoded, without it
  unsigned version = 11;  // 10 or 11
  HttpHeaders headers{};
  base::SocketAddress remote;
  base::SocketAddress local;
  bool is_tls = false;
  std::string listener;  // HttpServerOptions::name of the listener that it came by
};

struct HttpResponse {
  int status = 200;
  // Content-Length, Date, Connection and Transfer-Encoding are added by the server.
  HttpHeaders headers{};
  std::string body{};
  // Sent instead of `body` when set: bytes shared by many answers (segments from a cache).
  std::shared_ptr<const std::string> shared_body{};
};

// "OK", "Not Found"; "Unknown" for a number without a name.
std::string_view http_reason(int status);

}  // namespace net
