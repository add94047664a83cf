// SPDX-License-Identifier: Apache-2.0
#pragma once
// Packets that came before one that is still missing.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace rtp {

struct StoredPacket {
  std::int64_t sequence = -1;  // -1: the slot is free
  std::uint32_t timestamp = 0;
  std::uint8_t payload_type = 0;
  bool marker = false;
  base::Instant arrived{};
  base::Bytes payload;
};

// A ring of slots that keep their payload buffers for the next packet; it grows to kMaxPackets and shrinks when it
// has run empty. Owned by a Receiver. In a stream without loss it stays empty.
class ReorderBuffer {
 public:
  static constexpr std::int64_t kMaxPackets = 8192;
  static constexpr std::size_t kMaxBytes = 32U << 20;

  // A free slot for `sequence`, which is at least `next` and less than `next` + kMaxPackets, and not yet stored.
  StoredPacket& insert(std::int64_t next, std::int64_t sequence, base::ByteView payload);
  StoredPacket* find(std::int64_t sequence);
  void release(StoredPacket& packet);
  void clear();

  std::size_t size() const { return count_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t slot_of(std::int64_t sequence) const { return static_cast<std::size_t>(sequence) & (slots_.size() - 1); }
  void grow(std::size_t slots);

  std::vector<StoredPacket> slots_;  // a power of two, or none
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace rtp
