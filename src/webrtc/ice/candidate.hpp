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

// A UDP candidate of component 1; there are no others here, because every session uses BUNDLE and rtcp-mux.
struct Candidate {
  std::string foundation;
  std::uint32_t priority = 0;
  base::SocketAddress address;
  CandidateType type = CandidateType::Host;
};

// Why a well-meant line gives no candidate. All but Malformed are normal and only counted.
enum class CandidateRefusal : std::uint8_t {
  Malformed,
  NotUdp,          // TCP candidates
  NotAnAddress,    // a host name: mDNS ".local" above all; its address is learnt as peer reflexive
  OtherComponent,  // RTCP without rtcp-mux
};

// Accepts "candidate:...", "a=candidate:..." and the bare rest, with or without a line end; at most 512 bytes.
std::expected<Candidate, CandidateRefusal> parse_candidate(std::string_view line);

// "candidate:1 1 udp 2130706431 192.0.2.1 8443 typ host", without "a=" and without a line end.
std::string write_candidate(const Candidate& candidate);

// RFC 8445 5.1.2.1 for component 1.
std::uint32_t candidate_priority(CandidateType type, std::uint16_t local_preference);

}  // namespace webrtc::ice
