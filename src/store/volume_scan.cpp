// SPDX-License-Identifier: Apache-2.0
#include "store/volume_scan.hpp"

#include <algorithm>
#include <cstring>

#include "store/crc32c.hpp"

namespace store {
namespace {

constexpr std::size_t kWindow = 1U << 20U;

// A part of the file in memory. Owned by one scan.
class Window {
 public:
  Window(File& file, std::size_t size) : file_(file), size_(size) {}

  // At least `wanted` bytes from `offset`, or fewer at the end of the file.
  base::Result<base::ByteView> at(std::uint64_t offset, std::size_t wanted) {
    if (offset < start_ || offset + wanted > start_ + filled_) {
      buffer_.resize(std::max(size_, wanted));
      start_ = offset;
      TRY(filled_, file_.read_at(offset, buffer_));
    }
    return base::ByteView(buffer_).first(filled_).subspan(static_cast<std::size_t>(offset - start_));
  }

 private:
  File& file_;
  const std::size_t size_;
  base::Bytes buffer_;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
};

base::Result<std::uint32_t> payload_crc(Window& window, std::uint64_t offset, std::uint64_t size) {
  std::uint32_t crc = 0;
  while (size > 0) {
    TRY(base::ByteView view, window.at(offset, 1));
    if (view.empty()) break;
    view = view.first(static_cast<std::size_t>(std::min<std::uint64_t>(view.size(), size)));
    crc = crc32c(view, crc);
    offset += view.size();
    size -= view.size();
  }
  return crc;
}

base::Result<bool> is_zero(Window& window, PayloadBlocks blocks) {
  while (blocks.size > 0) {
    TRY(base::ByteView view, window.at(blocks.offset, 1));
    view = view.first(static_cast<std::size_t>(std::min<std::uint64_t>(view.size(), blocks.size)));
    if (view.empty() || std::ranges::any_of(view, [](std::uint8_t byte) { return byte != 0; })) return false;
    blocks.offset += view.size();
    blocks.size -= view.size();
  }
  return true;
}

// The next aligned place at or after `offset` (aligned) where a record's magic stands, or `size`.
base::Result<std::uint64_t> find_magic(Window& window, std::uint64_t offset, std::uint64_t size) {
  static constexpr std::uint64_t kStep = 64U << 10U;
  while (offset + kRecordHeaderSize <= size) {
    TRY(const base::ByteView view, window.at(offset, static_cast<std::size_t>(std::min(kStep, size - offset))));
    for (std::size_t at = 0; at + kRecordMagic.size() <= view.size();) {
      const void* found = std::memchr(view.data() + at, kRecordMagic[0], view.size() - at);
      if (found == nullptr) break;
      at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - view.data());
      if (at % kRecordAlignment == 0 && view.size() - at >= kRecordMagic.size() &&
          std::ranges::equal(view.subspan(at, kRecordMagic.size()), kRecordMagic)) {
        return offset + at;
      }
      ++at;
    }
    // A step is a multiple of the alignment, so the next view begins where a magic may begin.
    offset += view.size() < kStep ? size : view.size() / kRecordAlignment * kRecordAlignment;
  }
  return size;
}

// After a group of records its last block is filled with zeros; the next group begins with a new block.
base::Result<bool> is_end_of_group(Window& window, std::uint64_t at, std::uint64_t next_block) {
  const auto rest = static_cast<std::size_t>(next_block - at);
  TRY(const base::ByteView view, window.at(at, rest));
  return std::ranges::all_of(view.first(std::min(rest, view.size())), [](std::uint8_t byte) { return byte == 0; });
}

enum class PayloadState : std::uint8_t { Whole, Hollow, Damaged };

base::Result<PayloadState> examine(Window& window, const RecordHeader& header) {
  TRY(const std::uint32_t crc, payload_crc(window, header.offset + header.header_size, header.payload_size));
  if (crc == header.payload_crc) return PayloadState::Whole;
  const PayloadBlocks blocks = payload_blocks(header.offset, header.header_size, header.payload_size);
  TRY(const bool hollow, is_zero(window, blocks));
  return hollow && blocks.size > 0 ? PayloadState::Hollow : PayloadState::Damaged;
}

}  // namespace

PayloadBlocks payload_blocks(std::uint64_t offset, std::uint64_t header_size, std::uint64_t payload_size) {
  const std::uint64_t begin = align_up(offset + header_size, kBlock);
  const std::uint64_t end = (offset + header_size + payload_size) / kBlock * kBlock;
  return end > begin ? PayloadBlocks{begin, end - begin} : PayloadBlocks{begin, 0};
}

base::Result<VolumeScan> scan_volume(File& file, std::optional<std::uint64_t> salt, std::uint64_t from,
                                     const std::function<void(const RecordHeader&)>& visit, PayloadCheck check) {
  TRY(const std::uint64_t size, file.size());
  Window window(file, check == PayloadCheck::Checksum ? kWindow : kMaxRecordHeaderSize);
  VolumeScan scan;
  scan.salt = salt;
  std::uint64_t at = align_up(std::max(from, kBlock), kRecordAlignment);
  scan.end = std::min(at, size);
  std::uint64_t expected = at;  // where the next record lies if nothing is damaged
  while (at + kRecordHeaderSize <= size) {
    TRY(const base::ByteView view, window.at(at, kMaxRecordHeaderSize));
    const auto header = parse_record_header(view);
    const bool right = header && header->offset == at && header->salt == scan.salt.value_or(header->salt) &&
                       at + header->header_size + header->payload_size <= size;
    if (!right) {
      const std::uint64_t next_block = align_up(at, kBlock);
      bool group_ended = false;
      if (at == expected && next_block != at) {
        TRY(group_ended, is_end_of_group(window, at, next_block));
      }
      if (group_ended) {
        at = expected = next_block;
      } else {
        TRY(at, find_magic(window, at + kRecordAlignment, size));
      }
      continue;
    }
    if (at != expected) ++scan.damaged_places;
    scan.salt = header->salt;
    TRY(const PayloadState state,
        check == PayloadCheck::None ? base::Result<PayloadState>(PayloadState::Whole) : examine(window, *header));
    if (state == PayloadState::Whole) {
      ++scan.records;
      visit(*header);
    } else {
      ++(state == PayloadState::Hollow ? scan.hollow_payloads : scan.damaged_payloads);
    }
    if (state != PayloadState::Damaged) scan.end = at + header->extent();
    at = expected = at + header->extent();
  }
  scan.end = std::min(scan.end, size);
  return scan;
}

}  // namespace store
