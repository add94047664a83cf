// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "codecs/h265.hpp"

// Any bytes as a HEVCDecoderConfigurationRecord, and as the access unit that its NAL units make.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace codecs::h265;
  const base::ByteView record(bytes, size);
  (void)has_sps(record);
  if (const auto codec = codec_string_of_hvcc(record)) CHECK(codec->starts_with("hvc1.") && codec->size() < 64);
  const auto units = nal_units_of_hvcc(record);
  if (!units) return 0;
  // Each unit grows by two bytes and is taken from the record once.
  CHECK(units->size() <= 2 * size);
  (void)has_sps(*units);
  base::ByteReader in(*units);
  while (in.remaining() > 0) in.skip(in.u32());
  CHECK(in.ok());
  return 0;
}
