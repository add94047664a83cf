// SPDX-License-Identifier: Apache-2.0
#pragma once
// The steps of one WebRTC connection of a storage session, each with the time since the join: what an operator reads
// when a camera does not record.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace sessions {

enum class Step { OfferSent, Answered, IceConnected, DtlsConnected, FirstFrame, FirstKeyFrame, FirstFragmentDurable };
inline constexpr std::size_t kStepCount = 7;

class SessionTimeline {
 public:
  explicit SessionTimeline(base::Instant joined) : joined_(joined) {}

  // Only the first time of a step counts.
  void reach(base::Instant now, Step step);
  bool has(Step step) const { return reached_[static_cast<std::size_t>(step)].has_value(); }
  std::optional<base::Duration> find(Step step) const;

  // "offer 2 ms, answer 31 ms, ice 80 ms": the steps that were reached, in order.
  std::string text() const;

 private:
  base::Instant joined_;
  std::array<std::optional<base::Instant>, kStepCount> reached_;
};

}  // namespace sessions
