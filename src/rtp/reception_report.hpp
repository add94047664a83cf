// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a receiver report says about one source (RFC 3550 6.4.1, A.3, A.8).

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "rtp/packet.hpp"
#include "rtp/rtcp.hpp"

namespace rtp {

// A report's jitter as time: it is told in ticks of the media's clock.
base::Duration jitter_of(const ReportBlock& block, std::uint32_t clock_rate);

// Counts what came on the source's own sequence: an RTX packet is another source, an identical repeat counts as the
// packet itself. Owned by a Receiver; made anew for a new source.
class ReceptionReport {
 public:
  ReceptionReport(std::uint32_t ssrc, std::uint32_t clock_rate, std::int64_t first_sequence)
      : ssrc_(ssrc), clock_rate_(clock_rate), first_(first_sequence), highest_(first_sequence) {}

  // Once per sequence number. `fresh`: in order or nearly so, not a repeat (repeats would spoil the jitter).
  void count(base::Instant now, std::int64_t sequence, std::uint32_t timestamp, bool fresh);
  void handle_sender_report(base::Instant now, const SenderReport& report);
  ReportBlock take(base::Instant now);

  // Of the packets expected since the first one.
  std::int64_t expected() const { return highest_ - first_ + 1; }
  std::int64_t received() const { return received_; }

 private:
  std::uint32_t ssrc_;
  std::uint32_t clock_rate_;
  std::int64_t first_;
  std::int64_t highest_;
  std::int64_t received_ = 0;
  std::int64_t expected_before_ = 0;
  std::int64_t received_before_ = 0;
  std::optional<std::int32_t> transit_;
  std::uint32_t jitter_ = 0;  // in 1/16 ticks
  std::uint32_t last_sender_report_ = 0;
  base::Instant last_sender_report_at_{};
};

}  // namespace rtp
