// SPDX-License-Identifier: Apache-2.0
#include "codecs/h264_recovery_point.hpp"

#include "codecs/bit_reader.hpp"
#include "codecs/h264_nal.hpp"

namespace codecs::h264 {
namespace {

constexpr unsigned kRecoveryPoint = 6;            // payloadType
constexpr std::uint32_t kMaxFrameNum = 1U << 16;  // the greatest MaxFrameNum (7.4.2.1.1)
constexpr unsigned kMaxSeiBytes = 1U << 16;

// ff_byte* last_byte (7.3.2.3.1).
std::optional<unsigned> read_number(BitReader& bits) {
  unsigned number = 0;
  std::uint32_t byte = 0xff;
  while (byte == 0xff && number <= kMaxSeiBytes) {
    byte = bits.bits(8);
    number += byte;
  }
  if (!bits.ok() || number > kMaxSeiBytes) return std::nullopt;
  return number;
}

std::optional<std::uint32_t> find_recovery_point(base::ByteView sei) {
  BitReader bits(sei.subspan(1));
  while (bits.ok()) {
    const auto type = read_number(bits);
    const auto size = read_number(bits);
    if (!type || !size) return std::nullopt;
    if (*type == kRecoveryPoint) {
      const std::uint32_t count = bits.ue();
      if (!bits.ok() || count >= kMaxFrameNum) return std::nullopt;
      return count;
    }
    bits.skip(*size * 8);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> recovery_frame_count(base::ByteView access_unit) {
  NalReader reader(access_unit);
  while (const auto nal = reader.next()) {
    if (nal_type(*nal) != NalType::Sei) continue;
    if (const auto count = find_recovery_point(*nal)) return count;
  }
  return std::nullopt;
}

bool is_random_access_point(base::ByteView access_unit) {
  return has_idr(access_unit) || recovery_frame_count(access_unit).has_value();
}

}  // namespace codecs::h264
