// SPDX-License-Identifier: Apache-2.0
#include "codecs/aac.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "codecs/bit_reader.hpp"

namespace codecs::aac {
namespace {

constexpr std::array<std::uint32_t, 13> kRates = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                                  22050, 16000, 12000, 11025, 8000,  7350};
constexpr std::uint32_t kExplicitRate = 15;

std::uint8_t to_configuration(std::uint8_t channels) {
  return channels == 8 ? 7 : channels;
}
std::uint8_t to_channels(std::uint32_t configuration) {
  return static_cast<std::uint8_t>(configuration == 7 ? 8 : configuration);
}

}  // namespace

//  audioObjectType 5 | samplingFrequencyIndex 4 [| samplingFrequency 24] | channelConfiguration 4 | GASpecificConfig 3
base::Bytes write_audio_specific_config(const AudioSpecificConfig& config) {
  const auto found = std::ranges::find(kRates, config.sample_rate);
  const std::uint64_t object = config.object_type & 31U;
  const std::uint64_t channels = to_configuration(config.channels) & 15U;
  base::Bytes out;
  base::ByteWriter writer(out);
  if (found != kRates.end()) {
    const auto index = static_cast<std::uint64_t>(found - kRates.begin());
    writer.u16(object << 11 | index << 7 | channels << 3);
  } else {
    const std::uint64_t rate = config.sample_rate & 0xffffffU;
    writer.big_endian(object << 35 | std::uint64_t{kExplicitRate} << 31 | rate << 7 | channels << 3, 5);
  }
  return out;
}

std::optional<AudioSpecificConfig> parse_audio_specific_config(base::ByteView bytes) {
  BitReader bits(bytes, BitReader::Escapes::None);
  std::uint32_t object = bits.bits(5);
  if (object == 31) object = 32 + bits.bits(6);
  const std::uint32_t index = bits.bits(4);
  std::uint32_t rate = 0;
  if (index == kExplicitRate) {
    rate = bits.bits(24);
  } else if (index < kRates.size()) {
    rate = kRates[index];
  }
  const std::uint32_t configuration = bits.bits(4);
  if (!bits.ok() || object == 0 || rate == 0 || configuration < 1 || configuration > 7) return std::nullopt;
  return AudioSpecificConfig{static_cast<std::uint8_t>(object), rate, to_channels(configuration)};
}

std::string codec_string(const AudioSpecificConfig& config) {
  return fmt::format("mp4a.40.{}", config.object_type);
}

//  syncword 12 | ID 1 | layer 2 | protection_absent 1 | profile 2 | rate 4 | private 1 | channels 3 | 4 flags |
//  frame_length 13 | fullness 11 | blocks 2
std::optional<AdtsHeader> parse_adts(base::ByteView bytes) {
  BitReader bits(bytes, BitReader::Escapes::None);
  if (bits.bits(12) != 0xfff) return std::nullopt;
  bits.skip(1);
  const std::uint32_t layer = bits.bits(2);
  const bool protection_absent = bits.flag();
  const std::uint32_t profile = bits.bits(2);
  const std::uint32_t index = bits.bits(4);
  bits.skip(1);
  const std::uint32_t configuration = bits.bits(3);
  bits.skip(4);
  const std::uint32_t size = bits.bits(13);
  bits.skip(11);
  const std::uint32_t extra_blocks = bits.bits(2);
  AdtsHeader header;
  header.header_size = protection_absent ? 7 : 9;
  header.frame_size = size;
  if (!bits.ok() || layer != 0 || index >= kRates.size() || configuration == 0 || extra_blocks != 0 ||
      size < header.header_size) {
    return std::nullopt;
  }
  header.config = {static_cast<std::uint8_t>(profile + 1), kRates[index], to_channels(configuration)};
  return header;
}

}  // namespace codecs::aac
