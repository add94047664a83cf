// SPDX-License-Identifier: Apache-2.0
#pragma once
// A sender's clock as its packets tell it, and how unevenly they come.

#include <cstdint>

#include "base/time.hpp"

namespace conference {

// Times of the sender are samples at 48 kHz. Drift of some 100 ppm is followed; the estimate lags by less than 10
// samples.
class ArrivalClock {
 public:
  // A packet whose sound ends at `end` came.
  void handle_packet(base::Instant now, std::int64_t end);
  // The end of the sound that has come by `now`, if packets came evenly and without a pause.
  double head(base::Instant now) const;
  // How much later than the mean packets come, in samples: a peak that halves in about 7 s.
  double lateness() const { return peak_; }
  bool started() const { return packets_ > 0; }

 private:
  double local_samples(base::Instant now) const;

  base::Instant origin_{};
  std::uint64_t packets_ = 0;
  double transit_ = 0;  // local minus sender's time, smoothed
  double peak_ = 0;
};

}  // namespace conference
