// SPDX-License-Identifier: Apache-2.0
#include "rtp/reception_report.hpp"

#include <algorithm>
#include <cstdlib>

namespace rtp {
namespace {

// A duration as a 64-bit number of ticks of a clock.
std::int64_t to_ticks(base::Duration duration, std::int64_t clock_rate) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count() * clock_rate / 1'000'000;
}

}  // namespace

base::Duration jitter_of(const ReportBlock& block, std::uint32_t clock_rate) {
  return std::chrono::microseconds(std::int64_t{block.jitter} * 1'000'000 / clock_rate);
}

void ReceptionReport::count(base::Instant now, std::int64_t sequence, std::uint32_t timestamp, bool fresh) {
  first_ = std::min(first_, sequence);
  highest_ = std::max(highest_, sequence);
  ++received_;
  if (!fresh) return;
  const auto arrival = static_cast<std::uint32_t>(to_ticks(now.time_since_epoch(), clock_rate_));
  const auto transit = static_cast<std::int32_t>(arrival - timestamp);
  if (transit_) {
    const auto change = static_cast<std::int64_t>(transit) - *transit_;
    // A jump of a second is a new mapping, not jitter.
    if (std::abs(change) < clock_rate_) {
      jitter_ = static_cast<std::uint32_t>(jitter_ + std::abs(change) - ((jitter_ + 8) >> 4));
    }
  }
  transit_ = transit;
}

void ReceptionReport::handle_sender_report(base::Instant now, const SenderReport& report) {
  last_sender_report_ = middle_of_ntp(report.ntp);
  last_sender_report_at_ = now;
}

ReportBlock ReceptionReport::take(base::Instant now) {
  ReportBlock block;
  block.ssrc = ssrc_;
  const std::int64_t expected_now = expected() - expected_before_;
  const std::int64_t lost_now = expected_now - (received_ - received_before_);
  expected_before_ = expected();
  received_before_ = received_;
  if (expected_now > 0 && lost_now > 0) {
    block.fraction_lost = static_cast<std::uint8_t>(std::min<std::int64_t>(lost_now * 256 / expected_now, 255));
  }
  block.cumulative_lost =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(expected() - received_, -0x800000, 0x7fffff));
  block.highest_sequence = static_cast<std::uint32_t>(highest_);
  block.jitter = jitter_ >> 4;
  if (last_sender_report_ != 0) {
    block.last_sender_report = last_sender_report_;
    block.delay_since_last_sender_report =
        static_cast<std::uint32_t>(std::max<std::int64_t>(0, to_ticks(now - last_sender_report_at_, 65536)));
  }
  return block;
}

}  // namespace rtp
