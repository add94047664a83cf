// SPDX-License-Identifier: Apache-2.0
#include "conference/packet_voice.hpp"

#include <opus.h>

#include <array>

#include "codecs/opus.hpp"

namespace conference {
namespace {

constexpr int kFirstCeltConfiguration = 16;  // RFC 6716 table 2
constexpr int kMaxFrames = 48;               // 120 ms of 2.5 ms
constexpr std::uint32_t kSilkFrameSamples = 960;

bool is_celt(base::ByteView packet) {
  return packet[0] >> 3 >= kFirstCeltConfiguration;
}

}  // namespace

bool may_hold_fec(base::ByteView packet) {
  return !packet.empty() && !is_celt(packet);
}

PacketVoice packet_voice(base::ByteView packet) {
  if (packet.empty() || codecs::opus::is_dtx(packet)) return PacketVoice::Silent;
  std::array<const unsigned char*, kMaxFrames> frames{};
  std::array<opus_int16, kMaxFrames> sizes{};
  const int count = opus_packet_parse(packet.data(), static_cast<opus_int32>(packet.size()), nullptr, frames.data(),
                                      sizes.data(), nullptr);
  bool silent = true;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (sizes[at] <= 1) continue;  // nothing was sent for this frame
    if (is_celt(packet)) return PacketVoice::Unknown;
    const std::uint32_t duration = codecs::opus::frame_duration(packet[0]);
    const unsigned bits = duration <= kSilkFrameSamples ? 1 : duration / kSilkFrameSamples;
    if (frames[at][0] >> (8 - bits) != 0) silent = false;
  }
  return silent ? PacketVoice::Silent : PacketVoice::Voice;
}

}  // namespace conference
