// SPDX-License-Identifier: Apache-2.0
#pragma once
// Arrival times of all packets of a transport, for transport-wide feedback.

#include <cstdint>
#include <vector>

#include "base/prefetch.hpp"
#include "base/time.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/unwrap.hpp"

namespace rtp {

// Owned by an rtp::Session. A packet that comes after feedback already called it lost is reported again.
class ArrivalRecorder {
 public:
  // Whether it came in its turn: nothing is missing right before it, and it is not late.
  bool record(base::Instant now, std::uint16_t transport_sequence, std::uint32_t media_ssrc);
  void prefetch() const {
    if (!slots_.empty()) base::prefetch(&slots_[static_cast<std::size_t>(end_) % kSlots]);
  }
  bool has_news() const { return next_report_ < end_; }
  // One packet of feedback for what came since the last; false if there is nothing to say. Call again while
  // has_news(). `out` is overwritten; its room is used again.
  bool take(std::uint32_t sender_ssrc, TransportFeedback& out);

 private:
  // Of the arrivals from first_ to end_, by sequence number modulo kSlots; a power of two.
  static constexpr std::size_t kSlots = 2048;
  // The low 31 bits of the time in ticks and a one; 0: it has not come.
  using Slot = std::uint32_t;

  Slot& slot(std::int64_t sequence) { return slots_[static_cast<std::size_t>(sequence) % kSlots]; }
  void extend_to(std::int64_t sequence);
  std::int64_t ticks_of(Slot slot) const;

  std::vector<Slot> slots_;  // all of them from the first packet on
  std::int64_t first_ = 0;
  std::int64_t end_ = 0;
  std::int64_t next_report_ = 0;
  std::int64_t newest_ticks_ = 0;
  SequenceUnwrapper sequences_;
  std::uint32_t media_ssrc_ = 0;
  std::uint8_t count_ = 0;
};

}  // namespace rtp
