// SPDX-License-Identifier: Apache-2.0
#include "codecs/bit_reader.hpp"

namespace codecs {

bool BitReader::next_byte() {
  if (at_ >= bytes_.size()) return false;
  std::uint8_t byte = bytes_[at_++];
  if (escapes_ == Escapes::EmulationPrevention && zeros_ >= 2 && byte == 3) {
    zeros_ = 0;
    if (at_ >= bytes_.size()) return false;
    byte = bytes_[at_++];
  }
  zeros_ = byte == 0 ? zeros_ + 1 : 0;
  current_ = byte;
  left_ = 8;
  return true;
}

std::uint32_t BitReader::bit() {
  if (left_ == 0 && !next_byte()) {
    ok_ = false;
    return 0;
  }
  --left_;
  return (current_ >> left_) & 1U;
}

std::uint32_t BitReader::bits(unsigned count) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < count; ++i) value = value << 1 | bit();
  return value;
}

void BitReader::skip(unsigned count) {
  for (unsigned i = 0; i < count && ok_; ++i) bit();
}

std::uint32_t BitReader::ue() {
  unsigned zeros = 0;
  while (ok_ && bit() == 0) ++zeros;
  if (!ok_ || zeros > 31) {
    ok_ = false;
    return 0;
  }
  return (1U << zeros) - 1 + bits(zeros);
}

std::int32_t BitReader::se() {
  const std::uint32_t code = ue();  // at most 2^32 - 2
  const auto half = static_cast<std::int32_t>((static_cast<std::uint64_t>(code) + 1) / 2);
  return code % 2 == 1 ? half : -half;
}

}  // namespace codecs
