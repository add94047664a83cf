// SPDX-License-Identifier: Apache-2.0
#include "codecs/h265.hpp"

#include <fmt/format.h>

#include <iterator>

namespace codecs::h265 {
namespace {

constexpr std::size_t kFixedSize = 23;  // up to the arrays of parameter sets
constexpr std::size_t kConstraints = 6;

}  // namespace

//  version 8 | profile_space 2, tier 1, profile_idc 5 | compatibility flags 32 | constraint flags 48 | level_idc 8 |
//  ...
std::optional<std::string> codec_string_of_hvcc(base::ByteView record) {
  if (record.size() < kFixedSize || record[0] != 1) return std::nullopt;
  const unsigned space = record[1] >> 6U;
  std::uint32_t compatibility = 0;  // in the reverse order of bits
  for (unsigned bit = 0; bit < 32; ++bit) {
    const unsigned set = (record[2 + bit / 8] >> (7 - bit % 8)) & 1U;
    compatibility |= set << bit;
  }
  std::string text = "hvc1.";
  if (space > 0) text += static_cast<char>('A' + space - 1);
  fmt::format_to(std::back_inserter(text), "{}.{:X}.{}{}", record[1] & 31U, compatibility,
                 (record[1] & 32U) != 0 ? 'H' : 'L', record[12]);
  std::size_t used = kConstraints;  // trailing zeros are left out
  while (used > 0 && record[6 + used - 1] == 0) --used;
  for (std::size_t i = 0; i < used; ++i) fmt::format_to(std::back_inserter(text), ".{:X}", record[6 + i]);
  return text;
}

}  // namespace codecs::h265
