// SPDX-License-Identifier: Apache-2.0
#include "rtp/packet.hpp"

#include <algorithm>
#include <array>

namespace rtp {
namespace {

constexpr std::uint16_t kOneByteProfile = 0xbede;
constexpr std::uint16_t kTwoByteProfile = 0x1000;  // the low four bits are the application's
constexpr std::uint8_t kStopId = 15;
constexpr std::size_t kFixedHeader = 12;

std::uint16_t u16_at(base::ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t u32_at(base::ByteView bytes, std::size_t at) {
  return std::uint32_t{u16_at(bytes, at)} << 16 | u16_at(bytes, at + 2);
}

std::optional<base::ByteView> find_one_byte(base::ByteView extensions, std::uint8_t id) {
  for (std::size_t at = 0; at < extensions.size();) {
    const unsigned head = extensions[at++];
    if (head == 0) continue;  // padding
    if (head >> 4 == kStopId) break;
    const std::size_t length = (head & 15U) + 1;
    if (extensions.size() - at < length) break;
    if (head >> 4 == id) return extensions.subspan(at, length);
    at += length;
  }
  return std::nullopt;
}

std::optional<base::ByteView> find_two_byte(base::ByteView extensions, std::uint8_t id) {
  base::ByteReader reader(extensions);
  while (reader.remaining() > 0) {
    const std::uint8_t found = reader.u8();
    if (found == 0) continue;  // padding
    const base::ByteView value = reader.take(reader.u8());
    if (!reader.ok()) break;
    if (found == id) return value;
  }
  return std::nullopt;
}

bool fits_one_byte(const Extension& extension) {
  return extension.id < kStopId && !extension.value.empty() && extension.value.size() <= 16;
}

void write_extensions(base::ByteWriter& writer, std::span<const Extension> extensions) {
  const bool one_byte =
      std::ranges::all_of(extensions, [](const Extension& e) { return e.id == 0 || fits_one_byte(e); });
  writer.u16(one_byte ? kOneByteProfile : kTwoByteProfile);
  const std::size_t length_at = writer.size();
  writer.u16(0);
  for (const Extension& extension : extensions) {
    if (extension.id == 0) continue;
    if (one_byte) {
      writer.u8(static_cast<std::uint64_t>(extension.id) << 4 | (extension.value.size() - 1));
    } else {
      writer.u8(extension.id);
      writer.u8(extension.value.size());
    }
    writer.bytes(extension.value);
  }
  while ((writer.size() - length_at - 2) % 4 != 0) writer.u8(0);
  writer.patch(length_at, (writer.size() - length_at - 2) / 4, 2);
}

}  // namespace

std::optional<RtpPacket> parse_rtp(base::ByteView datagram) {
  if (datagram.size() < kFixedHeader || datagram[0] >> 6 != 2) return std::nullopt;
  const unsigned first = datagram[0];
  RtpPacket packet;
  packet.header.marker = (datagram[1] & 0x80) != 0;
  packet.header.payload_type = datagram[1] & 0x7f;
  packet.header.sequence = u16_at(datagram, 2);
  packet.header.timestamp = u32_at(datagram, 4);
  packet.header.ssrc = u32_at(datagram, 8);
  packet.header_size = kFixedHeader + std::size_t{first & 15U} * 4;  // CSRCs
  if ((first & 0x10) != 0) {
    const std::size_t at = packet.header_size;
    if (datagram.size() < at + 4) return std::nullopt;
    packet.extension_profile = u16_at(datagram, at);
    const std::size_t length = std::size_t{u16_at(datagram, at + 2)} * 4;
    packet.header_size += 4 + length;
    if (datagram.size() < packet.header_size) return std::nullopt;
    packet.extensions = datagram.subspan(at + 4, length);
  }
  if (datagram.size() < packet.header_size) return std::nullopt;
  packet.payload = datagram.subspan(packet.header_size);
  if ((first & 0x20) != 0) {
    if (packet.payload.empty()) return std::nullopt;
    packet.padding = packet.payload.back();
    if (packet.padding == 0 || packet.padding > packet.payload.size()) return std::nullopt;
    packet.payload = packet.payload.first(packet.payload.size() - packet.padding);
  }
  return packet;
}

std::optional<base::ByteView> RtpPacket::find_extension(std::uint8_t id) const {
  if (id == 0) return std::nullopt;
  if (extension_profile == kOneByteProfile) return find_one_byte(extensions, id);
  if ((extension_profile & 0xfff0) == kTwoByteProfile) return find_two_byte(extensions, id);
  return std::nullopt;
}

bool is_rtcp(base::ByteView datagram) {
  return datagram.size() >= 2 && datagram[1] >= 192 && datagram[1] <= 223;
}

void write_rtp_header(base::Bytes& out, const RtpHeader& header, std::span<const Extension> extensions) {
  const bool extended = std::ranges::any_of(extensions, [](const Extension& e) { return e.id != 0; });
  const auto byte = [](std::uint32_t value, int shift) { return static_cast<std::uint8_t>(value >> shift); };
  const std::uint32_t number = header.sequence;
  const std::array<std::uint8_t, 12> fixed = {
      static_cast<std::uint8_t>(extended ? 0x90 : 0x80),
      static_cast<std::uint8_t>((header.marker ? 0x80U : 0U) | (header.payload_type & 0x7fU)),
      byte(number, 8),
      byte(number, 0),
      byte(header.timestamp, 24),
      byte(header.timestamp, 16),
      byte(header.timestamp, 8),
      byte(header.timestamp, 0),
      byte(header.ssrc, 24),
      byte(header.ssrc, 16),
      byte(header.ssrc, 8),
      byte(header.ssrc, 0)};
  base::append(out, fixed);
  base::ByteWriter writer(out);
  if (extended) write_extensions(writer, extensions);
}

}  // namespace rtp
