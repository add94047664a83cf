// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/first_packet.hpp"

#include "webrtc/ice/stun.hpp"
#include "webrtc/peer/packet_class.hpp"

namespace webrtc {

std::optional<std::string_view> find_local_ufrag(base::ByteView datagram) {
  return ice::peek_local_ufrag(datagram);
}

std::optional<base::Transmit> answer_plain_stun(const base::Datagram& datagram) {
  auto answer = ice::answer_plain_binding(datagram.payload, datagram.flow.remote);
  if (!answer) return std::nullopt;
  return base::Transmit{datagram.flow, *std::move(answer)};
}

//  |V=2|P|X|  CC   |M|     PT      |       sequence number         | timestamp | SSRC | ... (RFC 3550 5.1)
std::optional<std::uint32_t> find_media_ssrc(base::ByteView datagram) {
  constexpr std::size_t kSsrcAt = 8;
  if (classify(datagram) != PacketClass::Rtp || datagram.size() < kSsrcAt + 4) return std::nullopt;
  return base::ByteReader(datagram.subspan(kSsrcAt)).u32();
}

}  // namespace webrtc
