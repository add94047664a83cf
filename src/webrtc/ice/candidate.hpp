// SPDX-License-Identifier: Apache-2.0
#pragma once
// ICE candidates and their lines (RFC 8839 5.1).

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/address.hpp"

namespace webrtc::ice {

enum class CandidateType : std::uint8_t { Host, ServerReflexive, PeerReflexive, Relayed };

// A candidate of component 1; there are no others here, because every session uses BUNDLE and rtcp-mux. One over TCP is
// always our own and passive (RFC 6544): a remote connects to it.
struct Candidate {
  std::string foundation;
  std::uint32_t priority = 0;
  base::SocketAddress address;
  CandidateType type = CandidateType::Host;
  base::Transport transport = base::Transport::Udp;
};

// Why a well-meant line gives no candidate. All but Malformed are normal and only counted.
enum class CandidateRefusal : std::uint8_t {
  Malformed,
  NotUdp,          // TCP: an active one is learnt when it connects, and we connect to nobody
  NotAnAddress,    // a host name: mDNS ".local" above all; its address is learnt as peer reflexive
  OtherComponent,  // RTCP without rtcp-mux
};

// Accepts "candidate:...", "a=candidate:..." and the bare rest, with or without a line end; at most 512 bytes.
std::expected<Candidate, CandidateRefusal> parse_candidate(std::string_view line);

// "candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host", without "a=" and without a line end. One over TCP reads
// "... 1 tcp ... typ host tcptype passive".
std::string write_candidate(const Candidate& candidate);

// RFC 8445 5.1.2.1 for component 1 over UDP.
std::uint32_t candidate_priority(CandidateType type, std::uint16_t local_preference);
// RFC 6544 4.2 for a passive TCP candidate, host or peer reflexive, the one at `index` of its kind: below every UDP
// candidate of the same type, since what TCP repeats in order comes late.
std::uint32_t tcp_candidate_priority(CandidateType type, std::uint16_t index);

}  // namespace webrtc::ice
