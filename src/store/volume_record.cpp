// SPDX-License-Identifier: Apache-2.0
#include "store/volume_record.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "store/crc32c.hpp"

namespace store {
namespace {

constexpr std::array<std::uint8_t, 8> kVolumeMagic = {'T', 'G', 'V', 'O', 'L', 'U', 'M', '1'};
constexpr std::uint16_t kVolumeVersion = 1;
constexpr std::size_t kCrcAt = 12;  // in both headers

// The checksum covers the whole header with its own four bytes as zeros.
std::uint32_t header_crc(base::ByteView header) {
  static constexpr std::array<std::uint8_t, 4> kZeros{};
  std::uint32_t crc = crc32c(header.first(kCrcAt));
  crc = crc32c(kZeros, crc);
  return crc32c(header.subspan(kCrcAt + 4), crc);
}

template <std::size_t N>
std::array<std::uint8_t, N> seal_header(base::Bytes& bytes) {
  CHECK(bytes.size() == N);
  base::ByteWriter(bytes).patch(kCrcAt, header_crc(bytes), 4);
  std::array<std::uint8_t, N> out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

std::uint64_t signed_bits(base::WallTime time) {
  return static_cast<std::uint64_t>(base::to_microseconds(time));
}
// Cut at the largest: 35 minutes.
std::uint64_t signed_word(std::chrono::microseconds span) {
  constexpr std::int64_t kLargest = INT32_MAX;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(span.count(), -kLargest, kLargest));
}
std::chrono::microseconds span_of(std::uint64_t word) {
  return std::chrono::microseconds(static_cast<std::int32_t>(static_cast<std::uint32_t>(word)));
}
base::WallTime time_of(std::uint64_t bits) {
  return base::from_microseconds(static_cast<std::int64_t>(bits));
}

}  // namespace

std::array<std::uint8_t, kVolumeHeaderSize> write_volume_header(const VolumeHeader& header) {
  base::Bytes bytes;
  base::ByteWriter out(bytes);
  out.bytes(kVolumeMagic);
  out.u16(kVolumeVersion);
  out.u16(kVolumeHeaderSize);
  out.u32(0);
  out.u64(header.number);
  out.u64(header.salt);
  out.u64(signed_bits(header.created));
  out.u32(header.retention_class);
  out.zeros(kVolumeHeaderSize - bytes.size());
  return seal_header<kVolumeHeaderSize>(bytes);
}

std::optional<VolumeHeader> parse_volume_header(base::ByteView bytes) {
  if (bytes.size() < kVolumeHeaderSize) return std::nullopt;
  bytes = bytes.first(kVolumeHeaderSize);
  base::ByteReader in(bytes);
  if (!std::ranges::equal(in.take(8), kVolumeMagic)) return std::nullopt;
  if (in.u16() != kVolumeVersion || in.u16() != kVolumeHeaderSize) return std::nullopt;
  if (in.u32() != header_crc(bytes)) return std::nullopt;
  VolumeHeader header;
  header.number = in.u64();
  header.salt = in.u64();
  header.created = time_of(in.u64());
  header.retention_class = in.u32();
  return header;
}

std::array<std::uint8_t, kRecordHeaderSize> write_record_header(const RecordHeader& header) {
  const FragmentHeader& fragment = header.fragment;
  const Gap gap = fragment.gap_before.value_or(Gap{GapReason{}, {}, {}});
  base::Bytes bytes;
  bytes.reserve(kRecordHeaderSize);
  base::ByteWriter out(bytes);
  out.bytes(kRecordMagic);
  out.u8(static_cast<std::uint8_t>(header.type));
  out.u8(0);
  out.u16(kRecordHeaderSize);
  out.u32(0);
  out.u64(header.salt);
  out.u64(header.offset);
  out.u64(header.payload_size);
  out.u32(header.payload_crc);
  out.u32(fragment.flags);
  out.u64(fragment.stream.id);
  out.u32(fragment.stream.generation);
  out.u8(static_cast<std::uint8_t>(gap.reason));
  out.u8(fragment.ended_by ? static_cast<std::uint8_t>(*fragment.ended_by) : 0U);
  out.u16(static_cast<std::uint64_t>(std::clamp<std::int64_t>(fragment.sound_length.count(), 0, UINT16_MAX)));
  out.u64(fragment.number.value);
  out.u64(signed_bits(fragment.producer_time));
  out.u64(signed_bits(fragment.server_time));
  out.u64(static_cast<std::uint64_t>(fragment.duration.count()));
  out.u64(signed_bits(gap.from));
  out.u64(signed_bits(gap.to));
  out.u64(fragment.codec_fingerprint);
  out.u32(signed_word(fragment.pictures_after));
  out.u32(signed_word(fragment.sound_after));
  return seal_header<kRecordHeaderSize>(bytes);
}

std::optional<RecordHeader> parse_record_header(base::ByteView bytes) {
  if (bytes.size() < kRecordHeaderSize || !std::ranges::equal(bytes.first(8), kRecordMagic)) return std::nullopt;
  base::ByteReader in(bytes.subspan(8));
  RecordHeader header;
  header.type = static_cast<RecordType>(in.u8());
  in.u8();
  header.header_size = in.u16();
  if (header.header_size < kRecordHeaderSize || header.header_size > std::min(bytes.size(), kMaxRecordHeaderSize)) {
    return std::nullopt;
  }
  if (in.u32() != header_crc(bytes.first(header.header_size))) return std::nullopt;
  header.salt = in.u64();
  header.offset = in.u64();
  header.payload_size = in.u64();
  if (header.payload_size > kMaxPayloadSize) return std::nullopt;
  header.payload_crc = in.u32();
  FragmentHeader& fragment = header.fragment;
  fragment.flags = in.u32();
  fragment.stream.id = in.u64();
  fragment.stream.generation = in.u32();
  const auto gap_reason = static_cast<GapReason>(in.u8());
  const auto ended_by = static_cast<GapReason>(in.u8());
  fragment.sound_length = std::chrono::milliseconds(in.u16());
  fragment.number.value = in.u64();
  fragment.producer_time = time_of(in.u64());
  fragment.server_time = time_of(in.u64());
  fragment.duration = std::chrono::microseconds(static_cast<std::int64_t>(in.u64()));
  const base::WallTime from = time_of(in.u64());
  const base::WallTime to = time_of(in.u64());
  fragment.codec_fingerprint = in.u64();
  fragment.pictures_after = span_of(in.u32());
  fragment.sound_after = span_of(in.u32());
  if (gap_reason != GapReason{}) fragment.gap_before = Gap{gap_reason, from, to};
  if (ended_by != GapReason{}) fragment.ended_by = ended_by;
  return header;
}

}  // namespace store
