// SPDX-License-Identifier: Apache-2.0
#include "rtp/arrival_recorder.hpp"

#include <algorithm>
#include <limits>

namespace rtp {
namespace {

using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 4000>>;  // 250 us

constexpr std::int64_t kTicksOfReference = 256;  // 64 ms
// How far back a late packet is still reported; a sender has forgotten older ones.
constexpr std::int64_t kHistory = 1000;
// Bounds one feedback packet: 400 two-byte deltas and their chunks stay below 1,200 bytes.
constexpr std::int64_t kMaxReported = 400;
constexpr std::int64_t kMaxJump = 10'000;

}  // namespace

void ArrivalRecorder::record(base::Instant now, std::uint16_t transport_sequence, std::uint32_t media_ssrc) {
  const bool started = sequences_.started();
  const std::int64_t sequence = sequences_.peek(transport_sequence);
  const std::int64_t end = first_ + static_cast<std::int64_t>(arrivals_.size());
  if (!started || sequence - end > kMaxJump) {
    arrivals_.clear();
    first_ = next_report_ = sequence;
    sequences_.start_at(sequence);
  } else if (sequence < first_) {
    return;
  }
  media_ssrc_ = media_ssrc;
  const auto index = static_cast<std::size_t>(sequence - first_);
  if (index >= arrivals_.size()) {
    arrivals_.resize(index + 1);
    sequences_.start_at(sequence);
  }
  if (arrivals_[index].came) return;
  arrivals_[index] = {true, std::chrono::duration_cast<Ticks>(now.time_since_epoch()).count()};
  next_report_ = std::min(next_report_, sequence);
}

std::optional<TransportFeedback> ArrivalRecorder::take(std::uint32_t sender_ssrc) {
  const std::int64_t end = first_ + static_cast<std::int64_t>(arrivals_.size());
  const auto arrival = [&](std::int64_t sequence) { return arrivals_[static_cast<std::size_t>(sequence - first_)]; };
  std::int64_t start = next_report_;
  while (start < end && !arrival(start).came) ++start;  // deltas need a first arrival; nothing is said before it
  if (start == end) return std::nullopt;
  start = next_report_;
  std::int64_t first_arrival = start;
  while (!arrival(first_arrival).came) ++first_arrival;

  TransportFeedback feedback;
  feedback.sender_ssrc = sender_ssrc;
  feedback.media_ssrc = media_ssrc_;
  feedback.base_sequence = static_cast<std::uint16_t>(start);
  feedback.feedback_count = count_++;
  const std::int64_t reference = arrival(first_arrival).ticks / kTicksOfReference;
  // 24 bits, signed: it wraps after 12 days, which senders expect.
  feedback.reference_time = static_cast<std::int32_t>(static_cast<std::uint32_t>(reference) << 8) >> 8;
  std::int64_t previous = reference * kTicksOfReference;
  std::int64_t at = start;
  for (; at < end && at - start < kMaxReported; ++at) {
    if (!arrival(at).came) {
      feedback.deltas.emplace_back();
      continue;
    }
    const std::int64_t delta = arrival(at).ticks - previous;
    if (delta < std::numeric_limits<std::int16_t>::min() || delta > std::numeric_limits<std::int16_t>::max()) break;
    feedback.deltas.emplace_back(static_cast<std::int16_t>(delta));
    previous = arrival(at).ticks;
  }
  next_report_ = at;
  while (first_ < next_report_ - kHistory) {
    arrivals_.pop_front();
    ++first_;
  }
  if (feedback.deltas.empty()) return std::nullopt;
  return feedback;
}

}  // namespace rtp
