// SPDX-License-Identifier: Apache-2.0
#pragma once
// One m-line sent: frames in, RTP packets out; keeps what it sent to answer NACKs.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "codecs/frame.hpp"
#include "rtp/packet.hpp"
#include "rtp/rtcp.hpp"

namespace rtp {

struct SenderOptions {
  codecs::MediaKind kind = codecs::MediaKind::Video;
  std::uint8_t payload_type = 0;
  std::uint32_t clock_rate = 90000;
  std::uint32_t ssrc = 0;
  // With RTX (RFC 4588) repairs go out under this payload type and ssrc; without, the identical packet is repeated.
  std::optional<std::uint8_t> rtx_payload_type;
  std::uint32_t rtx_ssrc = 0;
  std::string mid;                       // sent as an extension when Session has an id for it
  std::size_t max_payload = 1188;        // bytes of RTP payload, so that the datagram stays below 1,280 with SRTP
  bool aggregate_parameter_sets = true;  // STAP-A; false: one packet for each NAL unit, as webrtc-sdk-c does
  std::uint16_t first_sequence = 0;      // RFC 3550 wants it random
  // Padding-only packets before the first frame: a receiver that got one of them notices that the first media packet
  // was lost. After the last frame use Session::send_padding for the same reason.
  std::uint8_t leading_padding_packets = 4;
  base::Duration keep = std::chrono::seconds(3);
};

struct SenderStats {
  std::uint64_t frames = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // payload
  std::uint64_t retransmitted = 0;
  std::uint64_t unavailable = 0;  // asked for, but no longer (or never) kept
  std::uint64_t nacks = 0;        // sequence numbers asked for
  std::uint64_t plis = 0;         // key frames asked for
};

}  // namespace rtp
