// SPDX-License-Identifier: Apache-2.0
#pragma once
// The packets of one source as they arrived, kept once for everybody they are forwarded to. What is said of key frames
// is true of H.264 only.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace rtp {

// What is forwarded of a packet: its payload untouched, and the parts of its header that are the source's.
struct KeptPacket {
  std::int64_t sequence = -1;  // unwrapped
  std::uint32_t timestamp = 0;
  bool marker = false;
  bool has_key_frame = false;        // a part of an IDR picture, or an SPS
  bool begins_access_unit = false;   // surely: nothing of the same picture was before it
  bool only_parameter_sets = false;  // SPS, PPS, SEI, AUD: what travels in front of a picture
  base::Bytes payload{};             // empty: a packet of padding
  base::Instant at{};
};

// The source's clock: what it said last (RFC 3550 6.4.1).
struct SourceClock {
  std::uint64_t ntp = 0;
  std::uint32_t rtp_timestamp = 0;
  base::Instant arrived{};
};

// A packet from before the history was wanted, cut anew from what was recorded of it.
struct EarlierPacket {
  std::uint32_t timestamp = 0;
  bool marker = false;
  base::ByteView payload{};
};

// Written by the source's Receiver, read by the Forwarders of all viewers; one thread. Memory is bounded: a packet is
// kept for kKeep at least, and from the newest key frame on, unless kMaxPackets came since. Slots are reused, so that a
// steady source allocates nothing.
class PacketHistory {
 public:
  static constexpr base::Duration kKeep = std::chrono::seconds(3);
  static constexpr std::size_t kMaxPackets = 4096;

  // Another source, or the same one with sequence numbers that have no relation to those before.
  void restart();
  // While nobody reads it, it takes nothing and holds no memory. Changing it is a restart, but for the source's clock.
  void set_wanted(bool wanted);
  bool is_wanted() const { return wanted_; }
  // `header.payload` is not looked at: `payload` is copied.
  void add(base::Instant now, const KeptPacket& header, base::ByteView payload);
  // Begins anew with what came right before the packet `next`: in order, the first is the first of a key frame. At most
  // kMaxPackets; copied. The source's clock stays.
  void begin_before(base::Instant now, std::int64_t next, std::span<const EarlierPacket> packets);
  void note_clock(SourceClock clock) { clock_ = clock; }

  // Changes with each restart().
  std::uint64_t epoch() const { return epoch_; }
  const std::optional<SourceClock>& source_clock() const { return clock_; }
  // Of the payloads, over the last whole stretch of 4 s, which has a key frame or two in it; 0 before that.
  std::uint64_t bits_per_second() const { return bits_per_second_; }
  const KeptPacket* find(std::int64_t sequence) const;
  // The highest sequence number of this epoch; -1 before its first packet.
  std::int64_t newest() const { return newest_; }
  // Where a decoder can begin at once: the first packet of the newest key frame, while it is kept.
  std::optional<std::int64_t> newest_key_frame() const;

  // What came since forget_fresh(), in the order of arrival.
  std::span<const std::int64_t> fresh() const { return fresh_; }
  void forget_fresh() { fresh_.clear(); }

 private:
  KeptPacket& slot(std::int64_t sequence) { return slots_[static_cast<std::size_t>(sequence) & (slots_.size() - 1)]; }
  void grow();
  bool still_needed(base::Instant now, const KeptPacket& packet) const;
  void keep(base::Instant now, const KeptPacket& header, base::ByteView payload);
  void count(base::Instant now, std::size_t bytes);

  bool wanted_ = true;
  std::vector<KeptPacket> slots_;  // by sequence number modulo its size, a power of two
  std::vector<std::int64_t> fresh_;
  std::optional<SourceClock> clock_;
  std::uint64_t epoch_ = 0;
  std::int64_t newest_ = -1;
  std::int64_t newest_key_ = -1;  // some packet of it
  std::int64_t key_begin_ = -1;   // the first that is here of its timestamp
  base::Instant counted_since_{};
  std::uint64_t counted_bytes_ = 0;
  std::uint64_t bits_per_second_ = 0;
};

}  // namespace rtp
