// SPDX-License-Identifier: Apache-2.0
#pragma once
// The RTP packet (RFC 3550 5.1) and its header extensions (RFC 8285).

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace rtp {

//  0                   1                   2                   3
//  |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//  |                           timestamp                           |
//  |                             SSRC                              |
struct RtpHeader {
  bool marker = false;
  std::uint8_t payload_type = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
};

// A parsed packet. The views point into the datagram.
struct RtpPacket {
  RtpHeader header;
  std::uint16_t extension_profile = 0;  // 0: none
  base::ByteView extensions;
  base::ByteView payload;       // without padding; empty for a packet of padding only
  std::size_t header_size = 0;  // bytes before the payload (what SRTP leaves in the clear)
  std::uint8_t padding = 0;

  // The value of extension `id` in one-byte (0xBEDE) or two-byte (0x1000) form; id 1..14 or 1..255.
  std::optional<base::ByteView> find_extension(std::uint8_t id) const;
};

// Nothing for a wrong version, or lengths that do not fit.
std::optional<RtpPacket> parse_rtp(base::ByteView datagram);

// RFC 5761 section 4: RTCP when the second byte is 192..223. `datagram` has at least two bytes to be either.
bool is_rtcp(base::ByteView datagram);

struct Extension {
  std::uint8_t id = 0;  // 1..14 for the one-byte form, which is used when all fit (1..16 bytes each)
  base::ByteView value;
};
// Appends header and extensions; the payload is appended by the caller. Extensions with id 0 are skipped.
void write_rtp_header(base::Bytes& out, const RtpHeader& header, std::span<const Extension> extensions = {});

// The value of the transport-wide sequence number extension and its like.
inline std::optional<std::uint16_t> as_u16(std::optional<base::ByteView> value) {
  if (!value || value->size() != 2) return std::nullopt;
  return static_cast<std::uint16_t>((*value)[0] << 8 | (*value)[1]);
}

}  // namespace rtp
