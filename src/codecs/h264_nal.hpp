// SPDX-License-Identifier: Apache-2.0
#pragma once
// NAL units of H.264 in their two wrappings: Annex B start codes, and 4-byte lengths ("AVCC") as in codecs::Frame.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace codecs::h264 {

// Table 7-1; the aggregation types of RFC 6184 are the rtp room's business.
enum class NalType : std::uint8_t {
  Slice = 1,
  PartitionA = 2,
  PartitionB = 3,
  PartitionC = 4,
  Idr = 5,
  Sei = 6,
  Sps = 7,
  Pps = 8,
  AccessUnitDelimiter = 9,
  EndOfSequence = 10,
  EndOfStream = 11,
  Filler = 12,
};

// `nal` is not empty.
inline NalType nal_type(base::ByteView nal) {
  return static_cast<NalType>(nal[0] & 0x1f);
}
// Slices and slice data partitions: the NAL units that carry picture.
inline bool is_slice(NalType type) {
  return type >= NalType::Slice && type <= NalType::Idr;
}

// Walks a length-prefixed access unit. Zero-length units are skipped; a length past the end ends the walk with
// ok() false.
class NalReader {
 public:
  explicit NalReader(base::ByteView access_unit) : rest_(access_unit) {}
  std::optional<base::ByteView> next();
  bool ok() const { return ok_; }

 private:
  base::ByteView rest_;
  bool ok_ = true;
};

// Calls visit(ByteView nal) for each NAL unit; false when the lengths do not add up.
template <class Visit>
bool for_each_nal(base::ByteView access_unit, Visit visit) {
  NalReader reader(access_unit);
  while (auto nal = reader.next()) visit(*nal);
  return reader.ok();
}

// NAL units between start codes (00 00 01 with any number of leading zeros), trailing zeros removed. The views point
// into `stream`.
std::vector<base::ByteView> split_annex_b(base::ByteView stream);

// Appends the 4-byte length and the NAL unit.
void append_nal(base::Bytes& access_unit, base::ByteView nal);

// The access unit with 4-byte start codes instead of lengths. Cuts at the first bad length.
base::Bytes to_annex_b(base::ByteView access_unit);
// The reverse.
base::Bytes from_annex_b(base::ByteView stream);

// True when the access unit holds an IDR slice.
bool has_idr(base::ByteView access_unit);
// First NAL unit of this type, or empty.
base::ByteView find_nal(base::ByteView access_unit, NalType type);

}  // namespace codecs::h264
