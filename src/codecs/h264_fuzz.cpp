// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "codecs/annex_b_reader.hpp"
#include "codecs/h264_nal.hpp"
#include "codecs/h264_parameter_sets.hpp"
#include "codecs/h264_recovery_point.hpp"

// Any bytes as an Annex B stream: every NAL unit comes out once and in order, parameter sets stay in range.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace codecs::h264;
  const base::ByteView stream(bytes, size);
  AnnexBReader reader(stream);
  ParameterSets sets;
  base::Bytes joined;
  while (auto frame = reader.next()) {
    sets.observe(frame->payload);
    base::append(joined, frame->payload);
    if (const auto count = recovery_frame_count(frame->payload)) CHECK(*count < 65536);
  }
  CHECK(joined == from_annex_b(stream));
  if (const auto sps = sets.active_sps()) CHECK(sps->width > 0 && sps->width <= 16384 && sps->height > 0);
  if (const auto record = sets.avcc(); !record.empty()) CHECK(parse_avcc(record).has_value());
  (void)parse_avcc(stream);
  NalReader lengths(stream);
  while (lengths.next()) {
  }
  return 0;
}
