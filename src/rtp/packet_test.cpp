// SPDX-License-Identifier: Apache-2.0
#include "rtp/packet.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>

#include "rtp/unwrap.hpp"

namespace rtp {
namespace {

// Parsed packets point into their bytes: these live as long as the test run.
const base::Bytes& packet_hex(std::string_view text) {
  static std::deque<base::Bytes> kept;
  return kept.emplace_back(base::parse_hex(text).value());
}

TEST(RtpPacket, PlainHeader) {
  const base::Bytes bytes = packet_hex(
      "80e5fffe"
      "01020304"
      "aabbccdd"
      "41424344");
  const auto packet = parse_rtp(bytes);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->header.marker);
  EXPECT_EQ(packet->header.payload_type, 101);
  EXPECT_EQ(packet->header.sequence, 65534);
  EXPECT_EQ(packet->header.timestamp, 0x01020304U);
  EXPECT_EQ(packet->header.ssrc, 0xaabbccddU);
  EXPECT_EQ(packet->header_size, 12U);
  EXPECT_EQ(base::to_hex(packet->payload), "41424344");
  base::Bytes written;
  write_rtp_header(written, packet->header);
  base::append(written, packet->payload);
  EXPECT_EQ(written, bytes);
}

TEST(RtpPacket, SkipsContributingSources) {
  const auto packet =
      parse_rtp(packet_hex("82600001"
                           "00000000"
                           "00000001"
                           "11111111"
                           "22222222"
                           "ff"));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header_size, 20U);
  EXPECT_EQ(packet->payload.size(), 1U);
}

// RFC 8285 4.2: two elements with padding between them.
TEST(RtpPacket, OneByteExtensions) {
  const base::Bytes bytes = packet_hex(
      "90600001"
      "00000000"
      "00000001"
      "bede0002"
      "30aa0000"
      "510bb800"
      "77");
  const auto packet = parse_rtp(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(base::to_hex(packet->find_extension(3).value()), "aa");
  EXPECT_EQ(as_u16(packet->find_extension(5)), 0x0bb8);
  EXPECT_FALSE(packet->find_extension(4));
  EXPECT_FALSE(packet->find_extension(0));
  EXPECT_FALSE(as_u16(packet->find_extension(3)));
  EXPECT_EQ(base::to_hex(packet->payload), "77");

  // Id 15 ends the list; an element past the end is not read.
  EXPECT_FALSE(parse_rtp(packet_hex("90600001"
                                    "00000000"
                                    "00000001"
                                    "bede0001"
                                    "f030aa00"))
                   ->find_extension(3));
  EXPECT_FALSE(parse_rtp(packet_hex("90600001"
                                    "00000000"
                                    "00000001"
                                    "bede0001"
                                    "3faa0000"))
                   ->find_extension(3));
}

TEST(RtpPacket, TwoByteExtensions) {
  const auto packet =
      parse_rtp(packet_hex("90600001"
                           "00000000"
                           "00000001"
                           "10000002"
                           "0700"
                           "00c802"
                           "bbcc00"));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->find_extension(7)->size(), 0U);
  EXPECT_EQ(base::to_hex(packet->find_extension(200).value()), "bbcc");
}

TEST(RtpPacket, WritesTheShortestFormThatFits) {
  const base::Bytes middle = packet_hex("30");
  const base::Bytes number = packet_hex("1234");
  const std::array<Extension, 3> small = {Extension{4, middle}, Extension{0, number}, Extension{3, number}};
  base::Bytes out;
  write_rtp_header(out, {true, 96, 7, 8, 9}, small);
  EXPECT_EQ(base::to_hex(out),
            "90e00007"
            "00000008"
            "00000009"
            "bede0002"
            "4030"
            "311234"
            "000000");
  EXPECT_EQ(as_u16(parse_rtp(out)->find_extension(3)), 0x1234);

  const std::array<Extension, 1> large = {Extension{20, middle}};
  out.clear();
  write_rtp_header(out, {}, large);
  EXPECT_EQ(base::to_hex(out).substr(24),
            "10000001"
            "140130"
            "00");
  EXPECT_TRUE(parse_rtp(out)->find_extension(20));
}

TEST(RtpPacket, Padding) {
  const auto some =
      parse_rtp(packet_hex("a0600001"
                           "00000000"
                           "00000001"
                           "aabb0002"));
  ASSERT_TRUE(some);
  EXPECT_EQ(base::to_hex(some->payload), "aabb");
  EXPECT_EQ(some->padding, 2);
  const auto only =
      parse_rtp(packet_hex("a0600001"
                           "00000000"
                           "00000001"
                           "00000004"));
  ASSERT_TRUE(only);
  EXPECT_TRUE(only->payload.empty());
  EXPECT_FALSE(
      parse_rtp(packet_hex("a0600001"
                           "00000000"
                           "00000001"
                           "00000000")));
  EXPECT_FALSE(
      parse_rtp(packet_hex("a0600001"
                           "00000000"
                           "00000001"
                           "00000005")));
  EXPECT_FALSE(
      parse_rtp(packet_hex("a0600001"
                           "00000000"
                           "00000001")));
}

TEST(RtpPacket, RefusesTruncationAtEveryByte) {
  const base::Bytes bytes = packet_hex(
      "92600001"
      "00000000"
      "00000001"
      "11111111"
      "22222222"
      "bede0001"
      "30aa0000");
  ASSERT_TRUE(parse_rtp(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(parse_rtp(base::ByteView(bytes).first(size)));
  EXPECT_FALSE(
      parse_rtp(packet_hex("40600001"
                           "00000000"
                           "00000001")));  // version 1
}

TEST(RtpPacket, DemultiplexesRtcp) {
  EXPECT_TRUE(is_rtcp(packet_hex("80c8")));   // SR
  EXPECT_TRUE(is_rtcp(packet_hex("80cf")));   // XR
  EXPECT_FALSE(is_rtcp(packet_hex("80e0")));  // marker and payload type 96
  EXPECT_FALSE(is_rtcp(packet_hex("8060")));
  EXPECT_FALSE(is_rtcp(packet_hex("80")));
}

TEST(Unwrapper, FollowsBothWays) {
  SequenceUnwrapper sequences;
  EXPECT_EQ(sequences.unwrap(65534), 65534);
  EXPECT_EQ(sequences.unwrap(1), 65537);
  EXPECT_EQ(sequences.peek(65535), 65535);
  EXPECT_EQ(sequences.unwrap(65535), 65535);
  EXPECT_EQ(sequences.unwrap(0), 65536);
  for (int turn = 0; turn < 40; ++turn) sequences.unwrap(static_cast<std::uint16_t>(turn * 30000));
  EXPECT_EQ(sequences.peek(static_cast<std::uint16_t>(39 * 30000)), 65536 + 39 * 30000);

  TimestampUnwrapper timestamps;
  EXPECT_EQ(timestamps.unwrap(0xfffffff0), 0xfffffff0);
  EXPECT_EQ(timestamps.unwrap(0x10), 0x100000010);
  EXPECT_EQ(timestamps.unwrap(0xfffffff8), 0xfffffff8);
}

}  // namespace
}  // namespace rtp
