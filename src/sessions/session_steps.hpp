// SPDX-License-Identifier: Apache-2.0
#pragma once
// The steps of one WebRTC connection of a storage session, each with the time since the join: what an operator reads
// when a camera does not record.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace sessions {

enum class Step : std::uint8_t {
  OfferSent,
  OfferReceived,   // from a viewer that makes the offer itself
  Answered,        // by the client, or by the session when the client made the offer
  FirstCandidate,  // of the client
  FirstCheck,      // of ours: a candidate pair is tried
  IceConnected,
  DtlsConnected,
  FirstRtp,
  FirstFrame,
  FirstKeyFrame,
  FirstFragmentDurable,
};
inline constexpr std::size_t kStepCount = 11;
// For JSON: "offer_sent".
std::string_view step_name(Step step);

struct ReachedStep {
  Step step;
  base::Duration since_join;
};

class SessionSteps {
 public:
  explicit SessionSteps(base::Instant joined) : joined_(joined) {}

  // Only the first time of a step counts; whether this was it. kNever is no time.
  bool reach(base::Instant now, Step step);
  bool has(Step step) const { return reached_[static_cast<std::size_t>(step)].has_value(); }
  std::optional<base::Duration> find(Step step) const;
  // In order of time.
  std::vector<ReachedStep> in_order() const;
  // "offer sent 2 ms, answer 31 ms, ICE 80 ms", in order of time.
  std::string text() const;

 private:
  base::Instant joined_;
  std::array<std::optional<base::Instant>, kStepCount> reached_;
};

}  // namespace sessions
