// SPDX-License-Identifier: Apache-2.0
#pragma once
// The Huffman tables of AAC (ISO/IEC 14496-3, 4.A.1 to 4.A.12) and what each codebook holds (table 4.151).

#include <array>
#include <cstdint>
#include <span>

namespace aac_encoder {

struct CodeWord {
  std::uint32_t code = 0;
  std::uint8_t bits = 0;
};

inline constexpr unsigned kBooks = 12;  // book 0: all lines are zero
inline constexpr int kLargestScaleStep = 60;
inline constexpr int kLargestValue = 8191;  // book 11 with its escape

// Books 1 to 4 code four lines with a word, 5 to 11 two.
constexpr unsigned book_dimension(unsigned book) {
  return book <= 4 ? 4 : 2;
}
// Signed books hold the sign in the word; after a word of the others comes a bit for each line that is not zero.
constexpr bool book_is_signed(unsigned book) {
  return book == 1 || book == 2 || book == 5 || book == 6;
}
// The largest magnitude; book 11 escapes what is above 15.
constexpr int book_largest(unsigned book) {
  static constexpr std::array<int, kBooks> kLargest = {0, 1, 1, 2, 2, 4, 4, 7, 7, 12, 12, kLargestValue};
  return kLargest[book];
}

// `book` 1 to 11.
std::span<const CodeWord> spectral_codes(unsigned book);
// `difference` of neighbouring scale factors, at most kLargestScaleStep either way.
const CodeWord& scale_factor_code(int difference);

}  // namespace aac_encoder
