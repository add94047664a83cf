// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/first_packet.hpp"

#include "webrtc/ice/stun.hpp"

namespace webrtc {

std::optional<std::string_view> find_local_ufrag(base::ByteView datagram) {
  return ice::peek_local_ufrag(datagram);
}

std::optional<base::Transmit> answer_plain_stun(const base::Datagram& datagram) {
  auto answer = ice::answer_plain_binding(datagram.payload, datagram.flow.remote);
  if (!answer) return std::nullopt;
  return base::Transmit{datagram.flow, *std::move(answer)};
}

}  // namespace webrtc
