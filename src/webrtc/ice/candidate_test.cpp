// SPDX-License-Identifier: Apache-2.0
#include "webrtc/ice/candidate.hpp"

#include <gtest/gtest.h>

namespace webrtc::ice {
namespace {

TEST(Candidate, ReadsTheLinesOfRealClients) {
  // Chromium's trickled line, as captured.
  auto chromium = parse_candidate(
      "candidate:2519587254 1 udp 2122260223 10.99.0.1 40452 typ host generation 0 ufrag q02G network-id 1");
  ASSERT_TRUE(chromium);
  EXPECT_EQ(chromium->foundation, "2519587254");
  EXPECT_EQ(chromium->priority, 2122260223U);
  EXPECT_EQ(chromium->address, base::SocketAddress::parse("10.99.0.1:40452"));
  EXPECT_EQ(chromium->type, CandidateType::Host);

  // webrtc-sdk-c writes related addresses even for host candidates.
  auto sdk = parse_candidate(
      "a=candidate:0 1 udp 2130706431 10.99.0.1 53075 typ host raddr 0.0.0.0 rport 0 generation 0 network-cost "
      "999\r\n");
  ASSERT_TRUE(sdk);
  EXPECT_EQ(sdk->address.port, 53075);

  auto v6 = parse_candidate("candidate:1 1 UDP 2122187007 2001:db8::5 6000 typ srflx raddr :: rport 0");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->type, CandidateType::ServerReflexive);
}

TEST(Candidate, SaysWhyALineGivesNone) {
  const auto refusal = [](std::string_view line) { return parse_candidate(line).error(); };
  EXPECT_EQ(refusal("candidate:1 1 udp 1 5aa3-4b.local 5 typ host"), CandidateRefusal::NotAnAddress);
  EXPECT_EQ(refusal("candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active"), CandidateRefusal::NotUdp);
  EXPECT_EQ(refusal("candidate:1 2 udp 1 10.0.0.1 9 typ host"), CandidateRefusal::OtherComponent);
  EXPECT_EQ(refusal("candidate:1 1 udp 1 0.0.0.0 9 typ host"), CandidateRefusal::NotAnAddress);
  for (const char* line : {"", "candidate:", "candidate:1 1 udp", "candidate:1 1 udp 1 10.0.0.1 0 typ host",
                           "candidate:1 1 udp 4294967296 10.0.0.1 5 typ host",
                           "candidate:1 1 udp 1 10.0.0.1 70000 typ host", "candidate:1 1 udp 1 10.0.0.1 5 typ nonsense",
                           "candidate:1 1 udp 1 10.0.0.1 5 host", "candidate:1 x udp 1 10.0.0.1 5 typ host"})
    EXPECT_EQ(refusal(line), CandidateRefusal::Malformed) << line;
  EXPECT_EQ(refusal(std::string(600, 'a')), CandidateRefusal::Malformed);
}

TEST(Candidate, ReadsBackWhatItWrites) {
  Candidate candidate{"7", candidate_priority(CandidateType::Host, 65535),
                      base::SocketAddress::parse("192.0.2.1:8443").value(), CandidateType::Host};
  EXPECT_EQ(write_candidate(candidate), "candidate:7 1 udp 2130706431 192.0.2.1 8443 typ host");
  auto back = parse_candidate(write_candidate(candidate));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->address, candidate.address);
  candidate.type = CandidateType::PeerReflexive;
  ASSERT_TRUE(parse_candidate(write_candidate(candidate)));
}

TEST(Candidate, WritesPassiveTcpBelowUdp) {
  // RFC 6544 4.2: 2^24 * 90 + 2^8 * (2^13 * 4 + 8191) + 255
  const std::uint32_t priority = tcp_candidate_priority(CandidateType::Host, 0);
  EXPECT_EQ(priority, 1520435199U);
  EXPECT_LT(tcp_candidate_priority(CandidateType::Host, 1), priority);
  EXPECT_LT(priority, candidate_priority(CandidateType::Host, 0));
  EXPECT_LT(tcp_candidate_priority(CandidateType::PeerReflexive, 0),
            candidate_priority(CandidateType::PeerReflexive, 0));
  const Candidate candidate{"3", priority, base::SocketAddress::parse("[2001:db8::5]:8444").value(),
                            CandidateType::Host, base::Transport::Tcp};
  EXPECT_EQ(write_candidate(candidate), "candidate:3 1 tcp 1520435199 2001:db8::5 8444 typ host tcptype passive");
}

}  // namespace
}  // namespace webrtc::ice
