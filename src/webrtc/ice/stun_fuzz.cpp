// SPDX-License-Identifier: Apache-2.0
#include "webrtc/ice/stun.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const base::ByteView datagram(bytes, size);
  const auto message = webrtc::ice::parse_stun(datagram);
  webrtc::ice::check_integrity(datagram, "password");
  webrtc::ice::peek_local_ufrag(datagram);
  webrtc::ice::answer_plain_binding(datagram, {});
  if (message && !webrtc::ice::parse_stun(webrtc::ice::write_stun(*message, "password"))) __builtin_trap();
  return 0;
}
