// SPDX-License-Identifier: Apache-2.0
#include "codecs/h265.hpp"

#include <gtest/gtest.h>

namespace codecs::h265 {
namespace {

base::Bytes record(std::string_view first_thirteen) {
  base::Bytes bytes = *base::parse_hex(first_thirteen);
  bytes.resize(23);
  return bytes;
}

// The first is the example of ISO/IEC 14496-15 annex E.3; the others follow from its rules.
TEST(H265, CodecString) {
  EXPECT_EQ(codec_string_of_hvcc(record("010160000000b000000000005d")), "hvc1.1.6.L93.B0");
  EXPECT_EQ(codec_string_of_hvcc(record("01222000000090000000000078")), "hvc1.2.4.H120.90");
  EXPECT_EQ(codec_string_of_hvcc(record("01614000000000000000000096")), "hvc1.A1.2.H150");
  EXPECT_EQ(codec_string_of_hvcc(base::Bytes(22, 1)), std::nullopt);
  EXPECT_EQ(codec_string_of_hvcc(base::Bytes(23, 2)), std::nullopt);
}

}  // namespace
}  // namespace codecs::h265
