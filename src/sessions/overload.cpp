// SPDX-License-Identifier: Apache-2.0
#include "sessions/overload.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace sessions {
namespace {

using std::chrono::milliseconds;

// Of the room that the queue has: 1 is full.
constexpr double kQueueCalm = 0.05;
constexpr double kQueueStrained = 0.08;
constexpr double kQueueGrown = 0.15;
constexpr double kQueueCritical = 0.5;
constexpr double kQueueNearlyFull = 0.6;
// So many looks in a row: a buffer that became full while the thread did not run is so for one or two.
constexpr int kDropping = 3;
// How far below its limit the share of the thread's time is to be before new sessions are let in again.
constexpr double kBusyRoom = 0.13;
constexpr double kSmoothing = 0.05;  // of each look: about a second's worth

constexpr base::Duration kBitrateStep = milliseconds(1000);  // what an encoder takes to heed a REMB
constexpr double kBitrateFactor = 0.8;
constexpr double kLeastBitrate = 0.4;
constexpr base::Duration kRestShows = milliseconds(250);
constexpr base::Duration kRestShowsSoon = milliseconds(100);
constexpr double kRestMore = 0.1;
constexpr double kRestMuchMore = 0.25;
constexpr double kMostRest = 0.9;
constexpr base::Duration kRelaxStep = milliseconds(1000);
constexpr double kRestLess = 0.1;
constexpr base::Duration kSeldom = milliseconds(200);
constexpr base::Duration kSoon = std::chrono::seconds(10);

}  // namespace

void Overload::look(base::Instant now, const Load& load) {
  busy_ += kSmoothing * (load.busy - busy_);
  const double queue = standing_queue(now, load);
  const bool dropped = load.kernel_drops > 0;
  dropping_ = dropped ? dropping_ + 1 : 0;
  const bool drops = dropping_ >= kDropping;
  if (queue >= kQueueStrained || dropped || busy_ >= busy_limit_) {
    strain(now);
    if (queue >= kQueueGrown || drops) tighten(now, queue, drops);
  } else if (queue >= kQueueCalm || busy_ >= busy_limit_ - kBusyRoom) {
    calm_since_ = base::kNever;
  } else if (strained_) {
    if (calm_since_ == base::kNever) calm_since_ = now;
    if (now - calm_since_ >= patience_) relax(now);
  }
}

// The least of the last looks, and as much more as it has grown by since those, but no more than there is. A shard that
// has too much to do looks seldom: two looks are enough then.
double Overload::standing_queue(base::Instant now, const Load& load) {
  const double late = std::chrono::duration<double>(load.queue_delay) / std::chrono::duration<double>(kLongestDelay);
  const bool seldom = now - std::exchange(last_look_, now) >= kSeldom;
  recent_ = {Seen{std::min(1.0, std::max(load.queue_fill, late)), late}, recent_[0], recent_[1]};
  const unsigned looks = seldom ? 2 : 3;
  const auto& [newest, before, _] = recent_;
  // The kernel counts what was read in large pieces: its delay tells sooner.
  shrinks_ = newest.late > 0 ? newest.late < before.late : newest.queue < before.queue;
  const double least = std::ranges::min(std::span(recent_).first(looks), {}, &Seen::queue).queue;
  const double growth = std::max(0.0, least - std::exchange(least_, least));
  return std::min(newest.queue, least + growth * (looks - 1));
}

void Overload::strain(base::Instant now) {
  calm_since_ = base::kNever;
  if (strained_ && now - relaxed_ > kSoon) return;
  strained_ = true;
  if (now - relaxed_ <= kSoon) patience_ = std::min(kLongestPatience, 2 * patience_);
  relaxed_ = {};
}

void Overload::tighten(base::Instant now, double queue, bool drops) {
  if (now - bitrate_changed_ >= kBitrateStep) {
    bitrate_share_ = std::max(kLeastBitrate, bitrate_share_ * kBitrateFactor);
    bitrate_changed_ = now;
  }
  const bool critical = queue >= kQueueCritical || drops;
  const bool all_asked = bitrate_share_ <= kLeastBitrate && now - bitrate_changed_ >= kBitrateStep;
  if (!critical && !all_asked) return;
  if (resting_share_ == 0 && shrinks_) return;  // to be looked at again at once
  const bool nearly_full = queue >= kQueueNearlyFull || drops;
  if (now - rest_judged_ < (nearly_full ? kRestShowsSoon : kRestShows)) return;
  rest_judged_ = now;
  const bool enough_rests = queue < std::exchange(queue_judged_, queue) && resting_share_ > 0;
  if (enough_rests && !drops) return;
  resting_share_ = std::min(kMostRest, resting_share_ + (nearly_full ? kRestMuchMore : kRestMore));
}

void Overload::relax(base::Instant now) {
  if (now - relaxed_ < kRelaxStep) return;
  relaxed_ = now;
  if (resting_share_ > 0) {
    resting_share_ = resting_share_ > kRestLess ? resting_share_ - kRestLess : 0;
  } else if (bitrate_share_ < 1) {
    bitrate_share_ = std::min(1.0, bitrate_share_ / kBitrateFactor);
  } else {
    strained_ = false;
    patience_ = kShortestPatience;
  }
}

}  // namespace sessions
