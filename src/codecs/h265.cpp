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

std::optional<base::Bytes> nal_units_of_hvcc(base::ByteView record) {
  constexpr std::size_t kBeforeArrays = 22;
  base::ByteReader in(record);
  in.skip(kBeforeArrays);
  base::Bytes out;
  base::ByteWriter writer(out);
  const unsigned arrays = in.u8();
  for (unsigned array = 0; array < arrays && in.ok(); ++array) {
    in.skip(1);  // the type, which the units say as well
    const unsigned units = in.u16();
    for (unsigned unit = 0; unit < units && in.ok(); ++unit) {
      const base::ByteView nal = in.take(in.u16());
      writer.u32(nal.size());
      writer.bytes(nal);
    }
  }
  if (!in.ok()) return std::nullopt;
  return out;
}

bool has_sps(base::ByteView access_unit) {
  constexpr unsigned kSps = 33;  // Rec. ITU-T H.265 table 7-1
  base::ByteReader in(access_unit);
  while (in.ok() && in.remaining() > 0) {
    const base::ByteView nal = in.take(in.u32());
    if (in.ok() && !nal.empty() && ((nal[0] >> 1U) & 0x3fU) == kSps) return true;
  }
  return false;
}

}  // namespace codecs::h265
