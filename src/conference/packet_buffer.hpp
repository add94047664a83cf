// SPDX-License-Identifier: Apache-2.0
#pragma once
// The packets of one participant in their order: those that wait and those that went already, for a decoder to begin
// with.

#include <cstdint>
#include <deque>

#include "base/time.hpp"
#include "conference/audio_packet.hpp"

namespace conference {

struct StoredPacket {
  std::int64_t sequence = 0;   // unwrapped
  std::int64_t timestamp = 0;  // unwrapped
  std::int64_t duration = 0;   // samples, 120 to 5760
  base::Instant arrived{};
  bool marker = false;
  SharedPayload payload;

  std::int64_t end() const { return timestamp + duration; }
};

// At most kCapacity packets and one second: the oldest go first.
class PacketBuffer {
 public:
  enum class Insertion : std::uint8_t { Taken, Duplicate, Inconsistent };
  static constexpr std::size_t kCapacity = 64;

  // Inconsistent: overlaps in time with a packet of lower or higher sequence number. Refused, as are repeats.
  Insertion insert(StoredPacket packet);
  void clear() { packets_.clear(); }

  // Valid until the next insert().
  const StoredPacket* with_sequence(std::int64_t sequence) const;
  const StoredPacket* first_from_sequence(std::int64_t sequence) const;
  // The first that begins at `timestamp` or later.
  const StoredPacket* first_from(std::int64_t timestamp) const;
  // The first that ends after `timestamp`.
  const StoredPacket* first_ending_after(std::int64_t timestamp) const;
  std::uint64_t overflowed() const { return overflowed_; }
  // Whether one has `timestamp` as its beginning.
  bool begins_at(std::int64_t timestamp) const;
  bool empty() const { return packets_.empty(); }
  const StoredPacket& newest() const { return packets_.back(); }

 private:
  std::deque<StoredPacket> packets_;
  std::uint64_t overflowed_ = 0;
};

}  // namespace conference
