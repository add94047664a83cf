// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "codecs/aac.hpp"
#include "codecs/opus.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const base::ByteView input(bytes, size);
  if (const auto samples = codecs::opus::packet_duration(input)) CHECK(*samples >= 120 && *samples <= 5760);
  if (const auto head = codecs::opus::parse_opus_head(input)) {
    CHECK(codecs::opus::parse_opus_head(codecs::opus::write_opus_head(*head)).has_value());
  }
  if (const auto config = codecs::aac::parse_audio_specific_config(input)) CHECK(config->channels <= 8);
  (void)codecs::aac::parse_adts(input);
  return 0;
}
