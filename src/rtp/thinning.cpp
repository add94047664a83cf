// SPDX-License-Identifier: Apache-2.0
#include "rtp/thinning.hpp"

#include <algorithm>

namespace rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Of 256, as reports count: what makes a viewer lose its pictures between key frames, and what lets it have them again.
constexpr std::uint8_t kTooMuchLoss = 51;  // a fifth
constexpr std::uint8_t kLittleLoss = 13;   // a twentieth
// The same of a round trip that grew by this much: the queue of a path that is too narrow.
constexpr base::Duration kMuchLonger = milliseconds(500);
constexpr base::Duration kHardlyLonger = milliseconds(150);
constexpr int kBadReports = 2;
constexpr int kGoodReports = 4;
constexpr int kGoodTrains = 2;
// Above the source's mean rate: it is uneven, and sound and repairs want some, too.
constexpr std::uint64_t kHeadroomPercent = 125;
// Bursts that get through more slowly than this share of the source's mean rate, one after the other: the path is too
// narrow, which they show sooner than what waits behind them.
constexpr std::uint64_t kNarrowPercent = 80;
constexpr int kBadTrains = 3;
// Key frames of a few packets tell nothing of the path's rate. When they come without waiting for this long, all is
// tried.
constexpr base::Duration kTrialAfter = seconds(4);
constexpr base::Duration kHardlyQueued = milliseconds(50);
constexpr int kMaxCaution = 8;
constexpr base::Duration kTooSoon = seconds(15);

}  // namespace

void Thinning::set(base::Instant now, bool& reason, bool thin) {
  const bool before = thinned();
  reason = thin;
  if (thinned() == before) return;
  if (!thinned()) {
    whole_since_ = now;
    return;
  }
  const bool too_soon = times_ > 0 && now - whole_since_ < kTooSoon;
  caution_ = too_soon ? std::min(caution_ * 2, kMaxCaution) : 1;
  ++times_;
}

void Thinning::handle_report(base::Instant now, std::uint8_t fraction_lost, std::optional<base::Duration> round_trip) {
  base::Duration longer{};
  if (round_trip && !has_feedback_) {
    usual_round_trip_ = std::min(usual_round_trip_.value_or(*round_trip), *round_trip);
    longer = *round_trip - *usual_round_trip_;
    *usual_round_trip_ += longer / 256;  // a path may become longer for good
  }
  const bool bad = fraction_lost >= kTooMuchLoss || longer >= kMuchLonger;
  const bool good = fraction_lost <= kLittleLoss && longer <= kHardlyLonger;
  bad_reports_ = bad ? bad_reports_ + 1 : 0;
  good_reports_ = good ? good_reports_ + 1 : 0;
  if (!by_reports_ && bad_reports_ >= kBadReports) set(now, by_reports_, true);
  if (by_reports_ && good_reports_ >= kGoodReports * caution_) set(now, by_reports_, false);
}

void Thinning::handle_feedback(base::Instant now, PathEstimate& path, std::uint64_t source_rate) {
  has_feedback_ = true;
  const auto train = path.take_train();
  if (by_feedback_) return look_for_room(now, path, train, source_rate);
  const bool in_bursts = path.comes_in_bursts(source_rate);
  if (train && train->whole) {
    const bool is_good = in_bursts || train->carries(source_rate * kNarrowPercent / 100);
    bad_trains_ = is_good ? 0 : bad_trains_ + 1;
  }
  if (in_bursts || (!path.is_overloaded() && bad_trains_ < kBadTrains)) return;
  good_trains_ = bad_trains_ = 0;
  untold_since_ = now;
  set(now, by_feedback_, true);
}

void Thinning::look_for_room(base::Instant now, PathEstimate& path, const std::optional<PathEstimate::Train>& train,
                             std::uint64_t source_rate) {
  if (train || path.is_congested() || path.queue() > kHardlyQueued) untold_since_ = now;
  if (train && source_rate != 0) {
    good_trains_ = train->carries(source_rate * kHeadroomPercent / 100) ? good_trains_ + 1 : 0;
  }
  const bool carries = good_trains_ >= kGoodTrains * caution_;
  const bool untold = now - untold_since_ >= kTrialAfter * caution_;
  if (!carries && !untold) return;
  path.forget_queue();
  set(now, by_feedback_, false);
}

}  // namespace rtp
