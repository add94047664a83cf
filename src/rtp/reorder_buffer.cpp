// SPDX-License-Identifier: Apache-2.0
#include "rtp/reorder_buffer.hpp"

#include <bit>
#include <utility>

#include "base/check.hpp"

namespace rtp {
namespace {

constexpr std::size_t kFirstSlots = 64;
constexpr std::size_t kKeptSlots = 64;  // what an empty buffer may hold on to, with a packet of room each

}  // namespace

void ReorderBuffer::grow(std::size_t slots) {
  std::vector<StoredPacket> old = std::exchange(slots_, std::vector<StoredPacket>(slots));
  for (StoredPacket& packet : old) {
    if (packet.sequence >= 0) slots_[slot_of(packet.sequence)] = std::move(packet);
  }
}

StoredPacket& ReorderBuffer::insert(std::int64_t next, std::int64_t sequence, base::ByteView payload) {
  CHECK(sequence >= next && sequence - next < kMaxPackets);
  const auto needed = static_cast<std::size_t>(sequence - next) + 1;
  if (needed > slots_.size()) grow(std::max(kFirstSlots, std::bit_ceil(needed)));
  // `next` may have gone back since the last insertion: what is stored may then lie further on than this packet.
  while (slots_[slot_of(sequence)].sequence >= 0) {
    CHECK(slots_.size() < kMaxPackets);
    grow(slots_.size() * 2);
  }
  StoredPacket& slot = slots_[slot_of(sequence)];
  slot.sequence = sequence;
  slot.payload.assign(payload.begin(), payload.end());
  ++count_;
  bytes_ += payload.size();
  return slot;
}

StoredPacket* ReorderBuffer::find(std::int64_t sequence) {
  if (count_ == 0) return nullptr;
  StoredPacket& slot = slots_[slot_of(sequence)];
  return slot.sequence == sequence ? &slot : nullptr;
}

void ReorderBuffer::release(StoredPacket& packet) {
  bytes_ -= packet.payload.size();
  packet.sequence = -1;
  --count_;
  if (count_ == 0 && slots_.size() > kKeptSlots) slots_ = {};
}

void ReorderBuffer::clear() {
  slots_ = {};
  count_ = 0;
  bytes_ = 0;
}

}  // namespace rtp
