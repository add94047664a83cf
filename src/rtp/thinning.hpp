// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether a viewer's path carries all of a forwarded source, or its key frames only.

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "rtp/path_estimate.hpp"

namespace rtp {

// Owned by a Forwarder; pure. There are no layers to choose from, so this answers one question, by two witnesses:
// receiver reports (loss; of who gives no more, also the round trip), and transport-wide feedback (PathEstimate), which
// speaks before anything is lost. Either is enough to thin, but feedback says nothing while what waited comes in
// bursts.
//
// The way back: by reports, when several in a row are good; by feedback, when key frames, which still are sent, arrive
// as fast as the whole source would have to, or, if they are too small to tell, without waiting. Who is thinned again
// soon waits longer the next time.
class Thinning {
 public:
  // `fraction_lost` of 256; `round_trip` where it is known.
  void handle_report(base::Instant now, std::uint8_t fraction_lost, std::optional<base::Duration> round_trip);
  // After each transport-wide feedback. `source_rate` in bits per second; 0: not known yet.
  void handle_feedback(base::Instant now, PathEstimate& path, std::uint64_t source_rate);

  bool thinned() const { return by_reports_ || by_feedback_; }
  std::uint64_t times() const { return times_; }  // that it was thinned

 private:
  void set(base::Instant now, bool& reason, bool thinned);
  void look_for_room(base::Instant now, PathEstimate& path, const std::optional<PathEstimate::Train>& train,
                     std::uint64_t source_rate);

  bool by_reports_ = false;
  int bad_reports_ = 0;
  int good_reports_ = 0;
  std::optional<base::Duration> usual_round_trip_;
  bool has_feedback_ = false;
  bool by_feedback_ = false;
  int good_trains_ = 0;
  int bad_trains_ = 0;            // while all is sent
  base::Instant untold_since_{};  // that key frames are too small to tell, and do not wait
  int caution_ = 1;               // how many times as long as at first the way back takes
  std::uint64_t times_ = 0;
  base::Instant whole_since_{};
};

}  // namespace rtp
