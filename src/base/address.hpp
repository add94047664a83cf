// SPDX-License-Identifier: Apache-2.0
#pragma once
// Addresses as values, so that pure rooms can name a network path without a socket header.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// An IPv4 or IPv6 address. IPv4 uses the first four bytes; the rest are zero.
struct IpAddress {
  enum class Family : std::uint8_t { V4, V6 };
  Family family = Family::V4;
  std::array<std::uint8_t, 16> bytes{};

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return {Family::V4, {a, b, c, d}};
  }
  // Literals only ("192.0.2.1", "2001:db8::1"); never resolves a name. An IPv4-mapped IPv6 address becomes IPv4.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_loopback() const;
  bool is_unspecified() const;
  bool is_link_local() const;
  std::string text() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  // "192.0.2.1:8443" or "[2001:db8::1]:8443".
  static std::optional<SocketAddress> parse(std::string_view text);
  std::string text() const;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

// What carries a datagram: UDP, or a TCP connection with a length before each (RFC 4571).
enum class Transport : std::uint8_t { Udp, Tcp };

// The two ends of a datagram as this host sees them: the 5-tuple.
struct Flow {
  SocketAddress local;
  SocketAddress remote;
  Transport transport = Transport::Udp;
  friend auto operator<=>(const Flow&, const Flow&) = default;
};

}  // namespace base

template <>
struct std::hash<base::SocketAddress> {
  std::size_t operator()(const base::SocketAddress& address) const noexcept;
};
template <>
struct std::hash<base::Flow> {
  std::size_t operator()(const base::Flow& flow) const noexcept {
    return std::hash<base::SocketAddress>()(flow.remote) * 31 + std::hash<base::SocketAddress>()(flow.local) +
           static_cast<std::size_t>(flow.transport);
  }
};
