// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bits, most significant first, into storage of fixed size.

#include <array>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace aac_encoder {

// Two channels of 6144 bits (ISO/IEC 14496-3 4.5.3), and some for the word that is being filled.
inline constexpr std::size_t kMaxUnitBytes = 2 * 6144 / 8;

class BitWriter {
 public:
  void clear() {
    size_ = 0;
    held_ = 0;
    word_ = 0;
  }

  // `bits` 0 to 32; `value` fits in them. The unit's size is known to fit before it is written.
  void put(std::uint32_t value, unsigned bits) {
    word_ = (word_ << bits) | value;
    held_ += bits;
    while (held_ >= 8) {
      held_ -= 8;
      CHECK(size_ < bytes_.size());
      bytes_[size_++] = static_cast<std::uint8_t>(word_ >> held_);
    }
  }

  // Fills the last byte with zeros. The view lives until the next clear().
  base::ByteView finish() {
    if (held_ > 0) put(0, 8 - held_);
    return {bytes_.data(), size_};
  }

  std::size_t bits() const { return size_ * 8 + held_; }

 private:
  std::array<std::uint8_t, kMaxUnitBytes> bytes_{};
  std::size_t size_ = 0;
  std::uint64_t word_ = 0;
  unsigned held_ = 0;
};

}  // namespace aac_encoder
