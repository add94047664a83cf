// SPDX-License-Identifier: Apache-2.0
#pragma once
// What REMB tells the sender: how much this receiver believes the path can carry, from loss alone.

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
  };
  void update(base::Instant now, Totals totals);

  std::uint64_t bits_per_second() const { return rate_; }
  base::Instant next_send() const { return next_send_; }
  void sent(base::Instant now);

 private:
  BitrateBounds bounds_;
  std::uint64_t rate_;
  base::Instant interval_start_;
  base::Instant next_send_;
  Totals before_;
};

}  // namespace rtp
