// SPDX-License-Identifier: Apache-2.0
#include "app/configuration_values.hpp"

#include <algorithm>
#include <array>

#include "base/byte_count.hpp"

namespace app {

using base::Errc;
using base::Result;

std::unexpected<base::Error> expected(std::string_view what) {
  return base::fail(Errc::InvalidArgument, fmt::format("expected {}", what));
}

Result<void> set_address(base::SocketAddress& out, std::string_view text) {
  const auto address = base::SocketAddress::parse(text);
  if (!address) return expected("ADDRESS:PORT, for example 127.0.0.1:8080 or [::]:8443");
  out = *address;
  return {};
}

Result<void> set_byte_count(std::uint64_t& out, std::string_view text) {
  const auto bytes = base::parse_byte_count(text);
  if (!bytes) return expected("a number of bytes, for example 500000000, \"500 MB\" or 2GiB");
  out = *bytes;
  return {};
}

Result<void> set_duration(base::Duration& out, std::string_view text, std::chrono::milliseconds unit) {
  std::uint64_t count = 0;
  TRY_VOID(set_number<std::uint64_t>(count, text, 0, 100'000'000));
  out = unit * static_cast<std::int64_t>(count);
  return {};
}

Result<void> set_bool(bool& out, std::string_view text) {
  if (text != "true" && text != "false") return expected("true or false");
  out = text == "true";
  return {};
}

Result<void> set_log_level(base::LogLevel& out, std::string_view text) {
  static constexpr std::array kLevels = {
      std::pair<std::string_view, base::LogLevel>{"debug", base::LogLevel::Debug},
      std::pair<std::string_view, base::LogLevel>{"info", base::LogLevel::Info},
      std::pair<std::string_view, base::LogLevel>{"warning", base::LogLevel::Warning},
      std::pair<std::string_view, base::LogLevel>{"error", base::LogLevel::Error}};
  for (const auto& [name, level] : kLevels) {
    if (name == text) {
      out = level;
      return {};
    }
  }
  return expected("debug, info, warning or error");
}

Result<void> set_aac_encoder(streams::AacChoice& out, std::string_view text) {
  if (text != "own" && text != "ffmpeg") return expected("own or ffmpeg");
  out = text == "own" ? streams::AacChoice::Own : streams::AacChoice::Ffmpeg;
  return {};
}

Result<void> set_public_url(std::string& out, std::string_view text) {
  const bool has_scheme = text.starts_with("http://") || text.starts_with("https://");
  if (!has_scheme || text.ends_with('/') || text.find('?') != std::string_view::npos) {
    return expected("http:// or https:// with a host, no trailing slash: https://kvs.example.com");
  }
  out = text;
  return {};
}

Result<void> set_account_id(std::string& out, std::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.size() != 12 || !digits) return expected("12 digits");
  out = text;
  return {};
}

Result<void> add_advertised(std::vector<base::IpAddress>& out, std::string_view text) {
  const auto address = base::IpAddress::parse(text);
  if (!address || address->is_unspecified()) return expected("an IPv4 or IPv6 address that clients can reach");
  out.push_back(*address);
  return {};
}

Result<void> add_turn_uri(std::vector<std::string>& out, std::string_view text) {
  if (!text.starts_with("turn:") && !text.starts_with("turns:"))
    return expected("turn:HOST:PORT?transport=udp or turns:...");
  out.emplace_back(text);
  return {};
}

Result<void> set_profile(std::string& out, std::string_view text) {
  if (text != "aws" && text != "usual") return expected("aws or usual");
  out = text;
  return {};
}

Result<void> add_limit(std::vector<std::string>& out, std::string_view text) {
  TRY_VOID(api::Limits().set(text));
  out.emplace_back(text);
  return {};
}

Result<void> add_topic(std::map<std::string, std::string>& out, std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view url = equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
  if (!text.starts_with("arn:") || (!url.starts_with("http://") && !url.starts_with("https://"))) {
    return expected("ARN=URL, for example arn:aws:sns:us-east-1:123456789012:doors=https://hooks.example/doors");
  }
  out[std::string(text.substr(0, equals))] = url;
  return {};
}

}  // namespace app
