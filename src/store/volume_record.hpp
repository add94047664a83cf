// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bytes of a volume: its header and the headers of its records. docs/formats/volume.md is the specification.

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "store/fragment.hpp"

namespace store {

inline constexpr std::size_t kVolumeHeaderSize = 64;
inline constexpr std::uint64_t kBlock = 4096;  // a group of records begins at a multiple of it; the first at kBlock
inline constexpr std::size_t kRecordHeaderSize = 128;
inline constexpr std::size_t kMaxRecordHeaderSize = 4096;  // what a later version may need
inline constexpr std::size_t kRecordAlignment = 8;
inline constexpr std::uint64_t kMaxPayloadSize = 256ULL << 20U;
inline constexpr std::array<std::uint8_t, 8> kRecordMagic = {0x8a, 'T', 'G', 'R', 0x0d, 0x0a, 0x1a, 0x0a};

struct VolumeHeader {
  std::uint64_t number = 0;
  // Random, repeated in every record: bytes that another volume left in the same blocks of the disk are no records.
  std::uint64_t salt = 0;
  base::WallTime created;
  std::uint32_t retention_class = 0;  // hours; 0 in volumes of all classes
};

enum class RecordType : std::uint8_t {
  Fragment = 1,
  Tombstone = 2,
  Stream = 3,  // reserved: the name and ARN of a stream as payload, for a rebuild without the catalog
  Seal = 4,    // reserved: a table of the volume's records as payload
};

struct RecordHeader {
  RecordType type = RecordType::Fragment;
  std::uint16_t header_size = kRecordHeaderSize;
  std::uint64_t salt = 0;
  std::uint64_t offset = 0;  // of this header in its volume
  std::uint64_t payload_size = 0;
  std::uint32_t payload_crc = 0;
  FragmentHeader fragment;  // a tombstone uses stream and number

  // To the next record of the same group.
  std::uint64_t extent() const {
    return (header_size + payload_size + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
  }
};

std::array<std::uint8_t, kVolumeHeaderSize> write_volume_header(const VolumeHeader& header);
std::optional<VolumeHeader> parse_volume_header(base::ByteView bytes);

std::array<std::uint8_t, kRecordHeaderSize> write_record_header(const RecordHeader& header);
// `bytes` begins with the header and may go on after it. Nothing unless magic, size and checksum are right; the caller
// compares salt and offset. Types that this version does not know come back as they are, to be skipped.
std::optional<RecordHeader> parse_record_header(base::ByteView bytes);

inline std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace store
