// SPDX-License-Identifier: Apache-2.0
#pragma once
// Arrival times of all packets of a transport, for transport-wide feedback.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/unwrap.hpp"

namespace rtp {

// Owned by an rtp::Session. A packet that comes after feedback already called it lost is reported again.
class ArrivalRecorder {
 public:
  void record(base::Instant now, std::uint16_t transport_sequence, std::uint32_t media_ssrc);
  bool has_news() const {
    return !arrivals_.empty() && next_report_ < first_ + static_cast<std::int64_t>(arrivals_.size());
  }
  // One packet of feedback for what came since the last; call again while has_news().
  std::optional<TransportFeedback> take(std::uint32_t sender_ssrc);

 private:
  struct Arrival {
    bool came = false;
    std::int64_t ticks = 0;  // of 250 us
  };
  SequenceUnwrapper sequences_;
  std::deque<Arrival> arrivals_;  // of first_, first_ + 1, ...
  std::int64_t first_ = 0;
  std::int64_t next_report_ = 0;
  std::uint32_t media_ssrc_ = 0;
  std::uint8_t count_ = 0;
};

}  // namespace rtp
