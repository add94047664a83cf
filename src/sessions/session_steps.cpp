// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sessions {
namespace {

struct StepNames {
  std::string_view name;  // for programs
  std::string_view text;  // for people
};
constexpr std::array<StepNames, kStepCount> kNames = {{{"offer_sent", "offer sent"},
                                                       {"offer_received", "offer received"},
                                                       {"answered", "answer"},
                                                       {"first_candidate", "first candidate"},
                                                       {"first_check", "first check"},
                                                       {"ice_connected", "ICE"},
                                                       {"dtls_connected", "DTLS"},
                                                       {"first_rtp", "first RTP"},
                                                       {"first_frame", "first frame"},
                                                       {"first_key_frame", "first key frame"},
                                                       {"first_fragment_durable", "first fragment durable"}}};

}  // namespace

std::string_view step_name(Step step) {
  return kNames[static_cast<std::size_t>(step)].name;
}

bool SessionSteps::reach(base::Instant now, Step step) {
  auto& slot = reached_[static_cast<std::size_t>(step)];
  if (slot || now == base::kNever) return false;
  slot = now;
  return true;
}

std::optional<base::Duration> SessionSteps::find(Step step) const {
  const auto& slot = reached_[static_cast<std::size_t>(step)];
  if (!slot) return std::nullopt;
  return *slot - joined_;
}

std::vector<ReachedStep> SessionSteps::in_order() const {
  std::vector<ReachedStep> steps;
  for (std::size_t i = 0; i < kStepCount; ++i) {
    if (reached_[i]) steps.push_back({static_cast<Step>(i), *reached_[i] - joined_});
  }
  std::ranges::sort(steps, {}, [](const ReachedStep& reached) { return std::pair(reached.since_join, reached.step); });
  return steps;
}

std::string SessionSteps::text() const {
  std::string out;
  for (const ReachedStep& reached : in_order()) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(reached.since_join);
    out += fmt::format("{}{} {} ms", out.empty() ? "" : ", ", kNames[static_cast<std::size_t>(reached.step)].text,
                       elapsed.count());
  }
  return out.empty() ? "no step reached" : out;
}

}  // namespace sessions
