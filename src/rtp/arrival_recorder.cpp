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
// A larger jump is a sender that counts anew.
constexpr std::int64_t kMaxJump = 1000;

}  // namespace

bool ArrivalRecorder::record(base::Instant now, std::uint16_t transport_sequence, std::uint32_t media_ssrc) {
  if (slots_.empty()) slots_.resize(kSlots);
  const bool started = sequences_.started();
  const std::int64_t sequence = sequences_.peek(transport_sequence);
  if (!started || sequence - end_ > kMaxJump) {
    first_ = end_ = next_report_ = sequence;
  } else if (sequence < first_) {
    return false;
  }
  media_ssrc_ = media_ssrc;
  const bool in_turn = sequence == end_;
  if (sequence >= end_) extend_to(sequence);
  Slot& arrival = slot(sequence);
  if (arrival != 0) return false;
  const std::int64_t ticks = std::chrono::duration_cast<Ticks>(now.time_since_epoch()).count();
  newest_ticks_ = std::max(newest_ticks_, ticks);
  arrival = static_cast<std::uint32_t>(ticks) << 1 | 1;
  next_report_ = std::min(next_report_, sequence);
  return in_turn;
}

void ArrivalRecorder::extend_to(std::int64_t sequence) {
  while (end_ <= sequence) slot(end_++) = 0;
  sequences_.start_at(sequence);
  first_ = std::max(first_, end_ - static_cast<std::int64_t>(kSlots));
  next_report_ = std::max(next_report_, first_);
}

// The time nearest to the newest one: days away at most.
std::int64_t ArrivalRecorder::ticks_of(Slot slot) const {
  const std::uint32_t twice_the_age = (static_cast<std::uint32_t>(newest_ticks_) << 1) - (slot & ~Slot{1});
  return newest_ticks_ - (static_cast<std::int32_t>(twice_the_age) >> 1);
}

bool ArrivalRecorder::take(std::uint32_t sender_ssrc, TransportFeedback& out) {
  std::int64_t first_arrival = next_report_;
  while (first_arrival < end_ && slot(first_arrival) == 0) ++first_arrival;
  if (first_arrival == end_) return false;  // deltas need a first arrival; nothing is said before it
  const std::int64_t start = next_report_;
  const std::int64_t reference = ticks_of(slot(first_arrival)) / kTicksOfReference;
  out.sender_ssrc = sender_ssrc;
  out.media_ssrc = media_ssrc_;
  out.base_sequence = static_cast<std::uint16_t>(start);
  out.feedback_count = count_++;
  // 24 bits, signed: it wraps after 12 days, which senders expect.
  out.reference_time = static_cast<std::int32_t>(static_cast<std::uint32_t>(reference) << 8) >> 8;
  out.deltas.clear();
  std::int64_t previous = reference * kTicksOfReference;
  std::int64_t at = start;
  for (; at < end_ && at - start < kMaxReported; ++at) {
    if (slot(at) == 0) {
      out.deltas.emplace_back();
      continue;
    }
    const std::int64_t ticks = ticks_of(slot(at));
    const std::int64_t delta = ticks - previous;
    if (delta < std::numeric_limits<std::int16_t>::min() || delta > std::numeric_limits<std::int16_t>::max()) break;
    out.deltas.emplace_back(static_cast<std::int16_t>(delta));
    previous = ticks;
  }
  next_report_ = at;
  first_ = std::max(first_, next_report_ - kHistory);
  return !out.deltas.empty();
}

}  // namespace rtp
