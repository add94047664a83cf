// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/packet_class.hpp"

namespace webrtc {
namespace {

// RFC 7983 section 7, byte by byte.
PacketClass expected_class(int first, int second) {
  if (first <= 3) return PacketClass::Stun;
  if (first >= 20 && first <= 63) return PacketClass::Dtls;
  if (first >= 128 && first <= 191) return second >= 192 && second <= 223 ? PacketClass::Rtcp : PacketClass::Rtp;
  return PacketClass::Unknown;
}

TEST(PacketClass, EveryFirstAndSecondByte) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const base::Bytes datagram = {static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second), 0, 0};
      ASSERT_EQ(classify(datagram), expected_class(first, second)) << first << " " << second;
    }
  }
}

TEST(PacketClass, RealPackets) {
  const struct {
    base::Bytes start;
    PacketClass expected;
  } rows[] = {
      {{0x00, 0x01, 0x00, 0x50, 0x21, 0x12, 0xa4, 0x42}, PacketClass::Stun},  // Binding request
      {{0x01, 0x01, 0x00, 0x2c}, PacketClass::Stun},                          // Binding success
      {{0x16, 0xfe, 0xff}, PacketClass::Dtls},                                // ClientHello
      {{0x17, 0xfe, 0xfd}, PacketClass::Dtls},                                // application data
      {{0x80, 0x60}, PacketClass::Rtp},                                       // payload type 96
      {{0x90, 0xe0}, PacketClass::Rtp},                                       // 96 with marker and extension
      {{0x80, 0xc8}, PacketClass::Rtcp},                                      // SR
      {{0x81, 0xcd}, PacketClass::Rtcp},                                      // transport feedback
      {{0x80, 0x7f}, PacketClass::Rtp},
      {{0x40, 0x00}, PacketClass::Unknown},  // TURN channel
      {{0x10, 0x00}, PacketClass::Unknown},  // ZRTP
      {{0xc0, 0x00}, PacketClass::Unknown},  // QUIC long header
  };
  for (const auto& row : rows) EXPECT_EQ(classify(row.start), row.expected) << base::to_hex(row.start);
}

TEST(PacketClass, ShorterThanTwoBytesIsNothing) {
  EXPECT_EQ(classify({}), PacketClass::Unknown);
  for (int first = 0; first < 256; ++first) {
    EXPECT_EQ(classify(base::Bytes{static_cast<std::uint8_t>(first)}), PacketClass::Unknown);
  }
}

}  // namespace
}  // namespace webrtc
