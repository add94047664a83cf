// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "streams/rendered_sound.hpp"

// The input is rendered sound as the cache keeps it, asked for as what it says it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const base::ByteView input(bytes, size);
  base::ByteReader in(input);
  const auto first = static_cast<std::int64_t>(in.u64());
  const streams::AacUnits units{first / streams::kAacFrameSamples, in.u32()};
  const auto sound = streams::parse_sound(input, units);
  if (sound) CHECK(std::ranges::equal(streams::write_sound(*sound), input));
  return 0;
}
