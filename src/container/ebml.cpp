// SPDX-License-Identifier: Apache-2.0
#include "container/ebml.hpp"

#include <algorithm>
#include <bit>

#include "base/check.hpp"

namespace container::ebml {
namespace {

std::size_t id_length(std::uint32_t id) {
  return id > 0xFFFFFF ? 4 : id > 0xFFFF ? 3 : id > 0xFF ? 2 : 1;
}

constexpr std::size_t kOpenSizeLength = 4;

}  // namespace

bool is_segment_child(std::uint32_t id) {
  return id == kCluster || id == kTags || id == kInfo || id == kTracks || id == kCues || id == kSeekHead ||
         id == kChapters || id == kAttachments;
}

bool is_top_level(std::uint32_t id) {
  return id == kEbml || id == kSegment;
}

// All ones of a length is the unknown size, so each length holds one value less (RFC 8794 section 4.1).
std::size_t length_of_size(std::uint64_t size) {
  std::size_t length = 1;
  while (length < 8 && size >= (std::uint64_t{1} << (7 * length)) - 1) ++length;
  return length;
}

void Writer::id(std::uint32_t id) {
  bytes_.big_endian(id, id_length(id));
}

void Writer::size(std::uint64_t size) {
  const std::size_t length = length_of_size(size);
  bytes_.big_endian(size | (std::uint64_t{1} << (7 * length)), length);
}

void Writer::unsigned_integer(std::uint32_t element, std::uint64_t value) {
  const std::size_t length = std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(value)) + 7) / 8);
  id(element);
  size(length);
  bytes_.big_endian(value, length);
}

void Writer::float64(std::uint32_t element, double value) {
  id(element);
  size(8);
  bytes_.u64(std::bit_cast<std::uint64_t>(value));
}

void Writer::text(std::uint32_t element, std::string_view value) {
  binary(element, base::as_bytes(value));
}

void Writer::binary(std::uint32_t element, base::ByteView value) {
  id(element);
  size(value.size());
  bytes_.bytes(value);
}

std::size_t Writer::open(std::uint32_t element) {
  id(element);
  bytes_.zeros(kOpenSizeLength);
  return out_.size();
}

void Writer::close(std::size_t token) {
  const std::uint64_t size = out_.size() - token;
  CHECK(size < (std::uint64_t{1} << 28) - 1);
  bytes_.patch(token - kOpenSizeLength, size | (std::uint64_t{1} << 28), kOpenSizeLength);
}

void Writer::unknown_size(std::uint32_t element) {
  id(element);
  bytes_.u64(0x01FFFFFFFFFFFFFF);
}

void Writer::long_size(std::uint64_t value) {
  bytes_.u64(value | (std::uint64_t{1} << 56));
}

std::uint32_t Reader::peek_id() const {
  if (position_ >= bytes_.size() || bytes_[position_] < 0x10) return 0;
  const std::size_t length = static_cast<std::size_t>(std::countl_zero(bytes_[position_])) + 1;
  if (bytes_.size() - position_ < length) return 0;
  base::ByteReader reader(bytes_.subspan(position_));
  return static_cast<std::uint32_t>(reader.big_endian(length));
}

std::optional<Element> Reader::next() {
  if (position_ >= bytes_.size()) return std::nullopt;
  ok_ = false;
  Element element;
  element.id = peek_id();
  if (element.id == 0) return std::nullopt;
  base::ByteReader reader(bytes_.subspan(position_));
  reader.skip(id_length(element.id));
  if (reader.remaining() == 0 || reader.rest()[0] == 0) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(std::countl_zero(reader.rest()[0])) + 1;
  const std::uint64_t marked = reader.big_endian(length);
  if (!reader.ok()) return std::nullopt;
  const std::uint64_t size = marked & ((std::uint64_t{1} << (7 * length)) - 1);
  element.unknown_size = size == (std::uint64_t{1} << (7 * length)) - 1;
  element.header_size = id_length(element.id) + length;
  if (!element.unknown_size && size > reader.remaining()) return std::nullopt;
  element.payload = element.unknown_size ? reader.rest() : reader.take(static_cast<std::size_t>(size));
  position_ += element.header_size + element.payload.size();
  ok_ = true;
  return element;
}

std::optional<std::uint64_t> to_unsigned(base::ByteView payload) {
  if (payload.size() > 8) return std::nullopt;
  return base::ByteReader(payload).big_endian(payload.size());
}

std::optional<double> to_float(base::ByteView payload) {
  base::ByteReader reader(payload);
  if (payload.empty()) return 0.0;
  if (payload.size() == 4) return static_cast<double>(std::bit_cast<float>(reader.u32()));
  if (payload.size() == 8) return std::bit_cast<double>(reader.u64());
  return std::nullopt;
}

std::string_view to_text(base::ByteView payload) {
  const std::string_view text = base::as_text(payload);
  return text.substr(0, text.find('\0'));
}

void append_signed_varint(base::Bytes& out, std::int64_t value) {
  std::uint64_t rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  while (rest >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(rest | 0x80));
    rest >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(rest));
}

std::optional<std::int64_t> read_signed_varint(base::ByteReader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = reader.u8();
    if (!reader.ok()) return std::nullopt;
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  return std::nullopt;
}

}  // namespace container::ebml
