// SPDX-License-Identifier: Apache-2.0
#pragma once
// What peers threw away, by reason: bad packets are never an error of a session, only a number.

#include <array>
#include <cstdint>
#include <string_view>

#include "webrtc/peer/peer_stats.hpp"

namespace sessions {

enum class DropReason : std::uint8_t {
  Unknown,     // no protocol of ours begins with this byte
  Stun,        // no STUN, or not for this session
  Dtls,        // no DTLS record, or from a flow without a connectivity check
  EarlyMedia,  // SRTP before the keys
  SrtpMalformed,
  SrtpNotAuthentic,
  SrtpReplayed,  // also behind the replay window
  RtpMalformed,
  RtcpMalformed,
  Unroutable,  // no section has this payload type or SSRC
  Overload,    // media of a recording that rested
};
inline constexpr std::array<std::string_view, 11> kDropReasonNames = {
    "unknown",       "stun",          "dtls",           "early_media", "srtp_malformed", "srtp_not_authentic",
    "srtp_replayed", "rtp_malformed", "rtcp_malformed", "unroutable",  "overload"};

struct DroppedPackets {
  std::array<std::uint64_t, kDropReasonNames.size()> counts{};

  std::uint64_t& operator[](DropReason reason) { return counts[static_cast<std::size_t>(reason)]; }
  void add(const DroppedPackets& other);
  // What came since `earlier`, an older value of the same counters.
  DroppedPackets since(const DroppedPackets& earlier) const;
};

DroppedPackets dropped_packets(const webrtc::PeerStats& stats);

}  // namespace sessions
