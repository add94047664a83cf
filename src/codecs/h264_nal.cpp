// SPDX-License-Identifier: Apache-2.0
#include "codecs/h264_nal.hpp"

#include <algorithm>
#include <cstring>

namespace codecs::h264 {
namespace {

// Offset of the next 00 00 01 at or after `from`, or the size.
std::size_t find_start_code(base::ByteView stream, std::size_t from) {
  while (from + 3 <= stream.size()) {
    const void* one = std::memchr(stream.data() + from + 2, 1, stream.size() - from - 2);
    if (one == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(one) - stream.data());
    if (stream[at - 1] == 0 && stream[at - 2] == 0) return at - 2;
    from = at - 1;
  }
  return stream.size();
}

}  // namespace

std::optional<base::ByteView> NalReader::next() {
  while (!rest_.empty()) {
    base::ByteReader reader(rest_);
    const std::uint32_t size = reader.u32();
    const base::ByteView nal = reader.take(size);
    if (!reader.ok()) {
      ok_ = false;
      rest_ = {};
      return std::nullopt;
    }
    rest_ = reader.rest();
    if (!nal.empty()) return nal;
  }
  return std::nullopt;
}

std::vector<base::ByteView> split_annex_b(base::ByteView stream) {
  std::vector<base::ByteView> nals;
  std::size_t code = find_start_code(stream, 0);
  while (code < stream.size()) {
    const std::size_t begin = code + 3;
    const std::size_t next = find_start_code(stream, begin);
    std::size_t end = next;
    while (end > begin && stream[end - 1] == 0) --end;  // trailing_zero_8bits, and the zero_byte of the next code
    if (end > begin) nals.push_back(stream.subspan(begin, end - begin));
    code = next;
  }
  return nals;
}

void append_nal(base::Bytes& access_unit, base::ByteView nal) {
  base::ByteWriter writer(access_unit);
  writer.u32(nal.size());
  writer.bytes(nal);
}

base::Bytes to_annex_b(base::ByteView access_unit) {
  base::Bytes out;
  out.reserve(access_unit.size());
  for_each_nal(access_unit, [&](base::ByteView nal) {
    base::ByteWriter writer(out);
    writer.u32(1);
    writer.bytes(nal);
  });
  return out;
}

base::Bytes from_annex_b(base::ByteView stream) {
  base::Bytes out;
  out.reserve(stream.size() + 16);
  for (const base::ByteView nal : split_annex_b(stream)) append_nal(out, nal);
  return out;
}

bool has_idr(base::ByteView access_unit) {
  return !find_nal(access_unit, NalType::Idr).empty();
}

base::ByteView find_nal(base::ByteView access_unit, NalType type) {
  NalReader reader(access_unit);
  while (auto nal = reader.next()) {
    if (nal_type(*nal) == type) return *nal;
  }
  return {};
}

}  // namespace codecs::h264
