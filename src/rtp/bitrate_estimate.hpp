// SPDX-License-Identifier: Apache-2.0
#pragma once
// What REMB tells the sender: how much this receiver believes the path can carry, from loss alone, or less when the
// receiver itself has too much to do.

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace rtp {

struct BitrateBounds {
  std::uint64_t start = 3'000'000;
  std::uint64_t min = 300'000;
  std::uint64_t max = 12'000'000;
};

// Grows by 8 % a second below 2 % of loss, holds up to 10 %, and shrinks by half the loss beyond (the rule of
// draft-ietf-rmcat-gcc-02 section 6). Owned by an rtp::Session.
class BitrateEstimate {
 public:
  BitrateEstimate(base::Instant now, BitrateBounds bounds)
      : bounds_(bounds), rate_(bounds.start), interval_start_(now), next_send_(now) {}

  // Totals since the start of the session.
  struct Totals {
    std::int64_t expected = 0;
    std::int64_t received = 0;
    std::uint64_t bytes = 0;
  };
  void update(base::Instant now, Totals totals);

  // Of what was received in the second before the first share below 1; with 1 the path alone counts again.
  void ask_for_share(base::Instant now, double share);

  std::uint64_t bits_per_second() const;
  base::Instant next_send() const { return next_send_; }
  void sent(base::Instant now);

 private:
  BitrateBounds bounds_;
  std::uint64_t rate_;
  base::Instant interval_start_;
  base::Instant next_send_;
  Totals before_;
  std::uint64_t received_rate_ = 0;  // in the last interval
  std::uint64_t full_rate_ = 0;      // received_rate_ when less was first asked for
  double share_ = 1;
};

}  // namespace rtp
