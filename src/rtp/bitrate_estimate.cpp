// SPDX-License-Identifier: Apache-2.0
#include "rtp/bitrate_estimate.hpp"

#include <algorithm>

namespace rtp {
namespace {

constexpr base::Duration kInterval = std::chrono::seconds(1);
constexpr base::Duration kSendEvery = std::chrono::milliseconds(500);
// Fewer packets than this say nothing about loss.
constexpr std::int64_t kFewPackets = 20;

}  // namespace

void BitrateEstimate::update(base::Instant now, Totals totals) {
  if (now - interval_start_ < kInterval) return;
  const std::int64_t expected = totals.expected - before_.expected;
  const std::int64_t lost = std::max<std::int64_t>(0, expected - (totals.received - before_.received));
  if (expected >= 0 && expected < kFewPackets) return;
  const double seconds = std::chrono::duration<double>(now - interval_start_).count();
  received_rate_ = static_cast<std::uint64_t>(static_cast<double>(totals.bytes - before_.bytes) * 8 / seconds);
  interval_start_ = now;
  before_ = totals;
  if (expected < 0) return;  // a new source
  const double loss = static_cast<double>(lost) / static_cast<double>(expected);
  const auto rate = static_cast<double>(rate_);
  if (loss < 0.02) rate_ = static_cast<std::uint64_t>(rate * 1.08);
  if (loss > 0.10) rate_ = static_cast<std::uint64_t>(rate * (1 - 0.5 * std::min(loss, 1.0)));
  const std::uint64_t bounded = std::clamp(rate_, bounds_.min, bounds_.max);
  rate_ = bounded;
  if (loss > 0.10) next_send_ = now;
}

void BitrateEstimate::ask_for_share(base::Instant now, double share) {
  if (share == share_) return;
  if (share_ == 1) full_rate_ = received_rate_;
  share_ = share;
  next_send_ = now;
}

std::uint64_t BitrateEstimate::bits_per_second() const {
  if (share_ == 1) return rate_;
  const auto asked = static_cast<std::uint64_t>(share_ * static_cast<double>(full_rate_));
  return std::clamp(asked, std::min(bounds_.min, rate_), rate_);
}

void BitrateEstimate::sent(base::Instant now) {
  next_send_ = std::max(next_send_, now) + kSendEvery;  // sent a little early, it keeps its pace
}

}  // namespace rtp
