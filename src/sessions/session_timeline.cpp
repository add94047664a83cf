// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_timeline.hpp"

#include <fmt/format.h>

namespace sessions {
namespace {

constexpr std::array<std::string_view, kStepCount> kNames = {
    "offer", "answer", "ice", "dtls", "first frame", "first key frame", "first fragment durable"};

}  // namespace

void SessionTimeline::reach(base::Instant now, Step step) {
  auto& slot = reached_[static_cast<std::size_t>(step)];
  if (!slot) slot = now;
}

std::optional<base::Duration> SessionTimeline::find(Step step) const {
  const auto& slot = reached_[static_cast<std::size_t>(step)];
  if (!slot) return std::nullopt;
  return *slot - joined_;
}

std::string SessionTimeline::text() const {
  std::string out;
  for (std::size_t i = 0; i < kStepCount; ++i) {
    if (!reached_[i]) continue;
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(*reached_[i] - joined_);
    out += fmt::format("{}{} {} ms", out.empty() ? "" : ", ", kNames[i], elapsed.count());
  }
  return out.empty() ? "no step reached" : out;
}

}  // namespace sessions
