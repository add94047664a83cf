// SPDX-License-Identifier: Apache-2.0
#include "api/server_urls.hpp"

#include <algorithm>
#include <string_view>

namespace api {

namespace {
struct Authority {
  std::string host;  // brackets around IPv6 kept
  std::string port;  // empty: the default
};

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':' || c == '[' || c == ']';
}

// Text from a Host header goes into URLs: anything odd makes it unusable.
bool is_authority(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, is_host_char);
}

Authority split_authority(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return {std::string(text), ""};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::string join(std::string_view scheme, const Authority& authority) {
  const bool secure = scheme == "https" || scheme == "wss";
  const bool is_default = authority.port.empty() || authority.port == (secure ? "443" : "80");
  return std::string(scheme) + "://" + authority.host + (is_default ? "" : ":" + authority.port);
}

ServerUrls make_urls(bool is_tls, const Authority& authority, std::uint16_t https_port) {
  Authority secure = authority;
  if (!is_tls) secure.port = std::to_string(https_port);
  return {join(is_tls ? "https" : "http", authority), join("wss", secure)};
}
}  // namespace

ServerUrls make_server_urls(const net::HttpRequest& request, const std::string& public_url, std::uint16_t https_port) {
  if (!public_url.empty()) {
    std::string_view rest = public_url;
    const bool is_tls = rest.starts_with("https://");
    rest.remove_prefix(std::min(rest.size(), rest.find("://") + 3));
    return make_urls(is_tls, split_authority(rest.substr(0, rest.find('/'))), https_port);
  }
  const auto host = request.headers.find("Host");
  const std::string authority = host && is_authority(*host) ? std::string(*host) : request.local.text();
  return make_urls(request.is_tls, split_authority(authority), https_port);
}

}  // namespace api
