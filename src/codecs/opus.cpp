// SPDX-License-Identifier: Apache-2.0
#include "codecs/opus.hpp"

#include <algorithm>
#include <array>

namespace codecs::opus {
namespace {

constexpr std::string_view kMagic = "OpusHead";
constexpr std::size_t kHeadBytes = 19;
constexpr std::array<std::uint32_t, 4> kSilkDurations = {480, 960, 1920, 2880};

void little_endian(base::Bytes& out, std::uint32_t value, unsigned count) {
  for (unsigned i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint32_t read_little_endian(base::ByteView bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

// RFC 6716 table 2: configurations 0..11 SILK, 12..15 hybrid, 16..31 CELT.
std::uint32_t frame_duration(std::uint8_t toc) {
  const unsigned config = toc >> 3;
  if (config < 12) return kSilkDurations[config % 4];
  if (config < 16) return config % 2 == 0 ? 480 : 960;
  return 120U << (config % 4);
}

std::optional<std::uint32_t> packet_duration(base::ByteView packet) {
  if (packet.empty()) return std::nullopt;
  std::uint32_t frames = 1;
  switch (packet[0] & 3) {
    case 0:
      break;
    case 1:
      if (packet.size() % 2 == 0) return std::nullopt;  // two frames of equal size (R3)
      frames = 2;
      break;
    case 2:
      if (packet.size() < 2) return std::nullopt;
      frames = 2;
      break;
    default:
      if (packet.size() < 2) return std::nullopt;
      frames = packet[1] & 0x3f;
  }
  const std::uint32_t samples = frames * frame_duration(packet[0]);
  if (samples == 0 || samples > kMaxPacketSamples) return std::nullopt;
  return samples;
}

std::uint8_t packet_channels(base::ByteView packet) {
  return !packet.empty() && (packet[0] & 4) != 0 ? 2 : 1;
}

bool is_dtx(base::ByteView packet) {
  return !packet.empty() && packet.size() <= 2;
}

base::Bytes write_opus_head(const OpusHead& head) {
  base::Bytes out = base::to_bytes(kMagic);
  out.push_back(1);
  out.push_back(head.channels);
  little_endian(out, head.pre_skip, 2);
  little_endian(out, head.input_sample_rate, 4);
  little_endian(out, static_cast<std::uint16_t>(head.output_gain), 2);
  out.push_back(0);
  return out;
}

std::optional<OpusHead> parse_opus_head(base::ByteView bytes) {
  if (bytes.size() < kHeadBytes || base::as_text(bytes.first(kMagic.size())) != kMagic) return std::nullopt;
  if ((bytes[8] & 0xf0) != 0 || bytes[18] != 0) return std::nullopt;  // major version 0, mapping family 0
  OpusHead head;
  head.channels = bytes[9];
  if (head.channels < 1 || head.channels > 2) return std::nullopt;
  head.pre_skip = static_cast<std::uint16_t>(read_little_endian(bytes.subspan(10, 2)));
  head.input_sample_rate = read_little_endian(bytes.subspan(12, 4));
  head.output_gain = static_cast<std::int16_t>(read_little_endian(bytes.subspan(16, 2)));
  return head;
}

}  // namespace codecs::opus
