// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/packet_class.hpp"

namespace webrtc {

PacketClass classify(base::ByteView datagram) {
  if (datagram.size() < 2) return PacketClass::Unknown;
  const std::uint8_t first = datagram[0];
  if (first <= 3) return PacketClass::Stun;
  if (first >= 20 && first <= 63) return PacketClass::Dtls;
  // ZRTP (16..19), TURN channels (64..79) and the unassigned rest are not for us.
  if (first < 128 || first > 191) return PacketClass::Unknown;
  const std::uint8_t second = datagram[1];
  return second >= 192 && second <= 223 ? PacketClass::Rtcp : PacketClass::Rtp;
}

}  // namespace webrtc
