// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/packet_layout.hpp"

namespace webrtc::srtp {
namespace {

bool is_version_2(base::ByteView packet) {
  return !packet.empty() && packet[0] >> 6 == 2;
}

}  // namespace

std::optional<RtpLayout> find_rtp_layout(base::ByteView packet) {
  if (!is_version_2(packet)) return std::nullopt;
  base::ByteReader reader(packet);
  const std::uint8_t first = reader.u8();
  reader.skip(1);
  RtpLayout layout{};
  layout.sequence = reader.u16();
  reader.skip(4);
  layout.ssrc = reader.u32();
  reader.skip(4 * std::size_t{first & 0x0fU});
  if ((first & 0x10) != 0) {
    reader.skip(2);
    reader.skip(4 * std::size_t{reader.u16()});
  }
  if (!reader.ok()) return std::nullopt;
  layout.header_size = packet.size() - reader.remaining();
  return layout;
}

std::optional<std::uint32_t> find_rtcp_ssrc(base::ByteView packet) {
  if (!is_version_2(packet)) return std::nullopt;
  base::ByteReader reader(packet);
  reader.skip(4);
  const std::uint32_t ssrc = reader.u32();
  if (!reader.ok()) return std::nullopt;
  return ssrc;
}

}  // namespace webrtc::srtp
