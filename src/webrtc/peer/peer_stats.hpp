// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "rtp/session.hpp"
#include "webrtc/dtls/transport.hpp"
#include "webrtc/ice/agent.hpp"
#include "webrtc/srtp/opener.hpp"

namespace webrtc {

// Counters since the peer was made; what was dropped is counted by reason.
struct PeerStats {
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_sent = 0;
  std::uint64_t unknown_datagrams = 0;   // first byte in none of RFC 7983's ranges that we serve
  std::uint64_t after_end = 0;           // came when the peer was over
  std::uint64_t strange_flow = 0;        // DTLS from where no connectivity check came
  std::uint64_t early_dtls_held = 0;     // DTLS before the remote description: kept for later
  std::uint64_t early_dtls_dropped = 0;  // beyond what is kept
  std::uint64_t early_media = 0;         // SRTP or SRTCP before the keys: dropped
  std::uint64_t rested = 0;              // media that came while the peer rested
  std::uint64_t unsendable = 0;          // packets of ours without keys or path, or over the queue's limit
  ice::AgentStats ice;
  dtls::TransportStats dtls;
  srtp::OpenStats srtp;
  srtp::OpenStats srtcp;
  rtp::SessionStats rtp;
  rtp::ReceiverStats video_received;
  rtp::ReceiverStats audio_received;
  rtp::SenderStats video_sent;
  rtp::SenderStats audio_sent;
};

}  // namespace webrtc
