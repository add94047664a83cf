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

// Written by the source's Receiver, read by the Forwarders of all viewers; one thread. Memory is bounded: a packet is
// kept for kKeep at least, unless kMaxPackets came since. Slots are reused, so that a steady source allocates nothing.
class PacketHistory {
 public:
  static constexpr base::Duration kKeep = std::chrono::seconds(3);
  static constexpr std::size_t kMaxPackets = 4096;

  // Another source, or the same one with sequence numbers that have no relation to those before.
  void restart();
  // `header.payload` is not looked at: `payload` is copied.
  void add(base::Instant now, const KeptPacket& header, base::ByteView payload);
  void note_clock(SourceClock clock) { clock_ = clock; }

  // Changes with each restart().
  std::uint64_t epoch() const { return epoch_; }
  const std::optional<SourceClock>& source_clock() const { return clock_; }
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

  std::vector<KeptPacket> slots_;  // by sequence number modulo its size, a power of two
  std::vector<std::int64_t> fresh_;
  std::optional<SourceClock> clock_;
  std::uint64_t epoch_ = 0;
  std::int64_t newest_ = -1;
  std::int64_t newest_key_ = -1;  // some packet of it
};

}  // namespace rtp
