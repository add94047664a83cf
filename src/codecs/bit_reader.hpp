// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bits of an RBSP: emulation prevention bytes are dropped while reading (H.264 7.3.1), Exp-Golomb codes (9.1).

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace codecs {

// Reads past the end give zeros and make ok() false for good.
class BitReader {
 public:
  enum class Escapes : std::uint8_t { None, EmulationPrevention };
  explicit BitReader(base::ByteView bytes, Escapes escapes = Escapes::EmulationPrevention)
      : bytes_(bytes), escapes_(escapes) {}

  bool ok() const { return ok_; }
  bool flag() { return bit() != 0; }
  // `count` is 0..32.
  std::uint32_t bits(unsigned count);
  void skip(unsigned count);
  std::uint32_t ue();
  std::int32_t se();

 private:
  std::uint32_t bit();
  bool next_byte();

  base::ByteView bytes_;
  Escapes escapes_;
  std::size_t at_ = 0;
  unsigned zeros_ = 0;
  std::uint8_t current_ = 0;
  unsigned left_ = 0;  // bits of current_ not yet read
  bool ok_ = true;
};

}  // namespace codecs
