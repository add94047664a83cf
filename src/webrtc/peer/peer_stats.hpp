// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "webrtc/srtp/opener.hpp"

namespace webrtc {

struct MediaStats {
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_received = 0;  // RTP payload
  std::uint64_t frames_received = 0;
  std::uint64_t packets_lost = 0;      // given up
  std::uint64_t packets_repaired = 0;  // came after a NACK
  std::uint64_t nacks_sent = 0;        // packets asked for, repeats included
  std::uint64_t plis_sent = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t packets_resent = 0;
};

// Counters since the peer was made; what was dropped is counted by reason.
struct PeerStats {
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_sent = 0;
  std::uint64_t unknown_datagrams = 0;      // first byte in none of RFC 7983's ranges
  std::uint64_t stun_dropped = 0;           // malformed, not for us, or a wrong integrity
  std::uint64_t dtls_dropped = 0;
  std::uint64_t early_datagrams_dropped = 0;  // DTLS before the answer, beyond what is kept
  std::uint64_t early_media_dropped = 0;      // SRTP before the keys
  std::uint64_t malformed_rtp = 0;
  std::uint64_t malformed_rtcp = 0;
  std::uint64_t unknown_payload_types = 0;
  std::uint64_t unknown_streams = 0;  // packets of an SSRC that fits no media section
  srtp::OpenStats srtp;
  srtp::OpenStats srtcp;
  MediaStats video;
  MediaStats audio;
};

}  // namespace webrtc
