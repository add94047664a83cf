// SPDX-License-Identifier: Apache-2.0
#include "conference/packet_buffer.hpp"

#include <algorithm>

namespace conference {

PacketBuffer::Insertion PacketBuffer::insert(StoredPacket packet) {
  auto at = packets_.end();
  while (at != packets_.begin() && std::prev(at)->sequence >= packet.sequence) --at;
  if (at != packets_.end() && at->sequence == packet.sequence) return Insertion::Duplicate;
  const bool overlaps = (at != packets_.begin() && std::prev(at)->end() > packet.timestamp) ||
                        (at != packets_.end() && packet.end() > at->timestamp);
  if (overlaps) return Insertion::Inconsistent;
  packets_.insert(at, std::move(packet));
  while (packets_.size() > 1 && packets_.front().end() + kClockRate < packets_.back().timestamp) packets_.pop_front();
  if (packets_.size() > kCapacity) {
    packets_.pop_front();
    ++overflowed_;
  }
  return Insertion::Taken;
}

const StoredPacket* PacketBuffer::first_from_sequence(std::int64_t sequence) const {
  const auto at = std::partition_point(packets_.begin(), packets_.end(),
                                       [&](const StoredPacket& p) { return p.sequence < sequence; });
  return at == packets_.end() ? nullptr : &*at;
}

const StoredPacket* PacketBuffer::with_sequence(std::int64_t sequence) const {
  const StoredPacket* found = first_from_sequence(sequence);
  return found != nullptr && found->sequence == sequence ? found : nullptr;
}

const StoredPacket* PacketBuffer::first_from(std::int64_t timestamp) const {
  const auto at = std::partition_point(packets_.begin(), packets_.end(),
                                       [&](const StoredPacket& p) { return p.timestamp < timestamp; });
  return at == packets_.end() ? nullptr : &*at;
}

const StoredPacket* PacketBuffer::first_ending_after(std::int64_t timestamp) const {
  const auto at = std::partition_point(packets_.begin(), packets_.end(),
                                       [&](const StoredPacket& p) { return p.end() <= timestamp; });
  return at == packets_.end() ? nullptr : &*at;
}

bool PacketBuffer::begins_at(std::int64_t timestamp) const {
  const StoredPacket* found = first_from(timestamp);
  return found != nullptr && found->timestamp == timestamp;
}

}  // namespace conference
