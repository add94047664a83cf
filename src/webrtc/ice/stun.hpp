// SPDX-License-Identifier: Apache-2.0
#pragma once
// STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 7.1).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace webrtc::ice {

inline constexpr std::uint16_t kBindingMethod = 1;

enum class StunClass : std::uint8_t { Request = 0, Indication = 1, Success = 2, Error = 3 };
using TransactionId = std::array<std::uint8_t, 12>;

// A parsed message, or one to write. Attributes that are not listed here are skipped by the parser; those of the
// comprehension-required range are named in `unknown_required`.
struct StunMessage {
  StunClass kind = StunClass::Request;
  std::uint16_t method = kBindingMethod;
  TransactionId transaction{};
  std::string username;                               // empty: absent
  std::string software;                               // empty: absent
  std::optional<base::SocketAddress> mapped_address;  // XOR-MAPPED-ADDRESS; MAPPED-ADDRESS of an old server otherwise
  std::optional<std::uint32_t> priority;
  std::optional<std::uint64_t> ice_controlling;  // the tie-breaker
  std::optional<std::uint64_t> ice_controlled;
  bool use_candidate = false;
  int error_code = 0;  // 300..699; 0: absent
  std::string error_reason;
  std::vector<std::uint16_t> unknown_attributes;  // UNKNOWN-ATTRIBUTES of an error 420
  std::vector<std::uint16_t> unknown_required;    // parser only
  bool has_integrity = false;                     // parser only: present, not yet checked
  bool has_fingerprint = false;                   // parser only: present and right
};

// First byte and magic cookie, cheap: the demultiplexer's test (RFC 7983 gives STUN the first bytes 0..3).
bool looks_like_stun(base::ByteView datagram);

// Refuses a wrong length, a truncated attribute and a wrong FINGERPRINT. Attributes after MESSAGE-INTEGRITY other
// than FINGERPRINT are ignored, as RFC 8489 14.5 demands.
std::optional<StunMessage> parse_stun(base::ByteView datagram);

// Whether MESSAGE-INTEGRITY is there and made with this short-term password. The datagram has passed parse_stun().
bool check_integrity(base::ByteView datagram, std::string_view password);

// Adds MESSAGE-INTEGRITY if `password` is not empty, then FINGERPRINT.
base::Bytes write_stun(const StunMessage& message, std::string_view password);

// The USERNAME of a Binding request, without checking anything else. For a request to an ICE agent it is
// "<local ufrag>:<remote ufrag>": the part before the colon routes a first packet to its session.
// The view points into the datagram.
std::optional<std::string_view> peek_username(base::ByteView datagram);
std::optional<std::string_view> peek_local_ufrag(base::ByteView datagram);

// The answer of a plain STUN server: a Binding request without credentials gets its sender's address. Nothing for
// any other datagram (so the answer can never be reflected back and forth).
std::optional<base::Bytes> answer_plain_binding(base::ByteView datagram, const base::SocketAddress& remote);

}  // namespace webrtc::ice
