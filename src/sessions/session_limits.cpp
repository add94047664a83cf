// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_limits.hpp"

#include <fmt/format.h>

namespace sessions {
namespace {

std::int64_t in_seconds(base::Duration limit) {
  return std::chrono::duration_cast<std::chrono::seconds>(limit).count();
}

bool is_over(base::Instant now, base::Instant since, base::Duration limit) {
  return limit.count() > 0 && now - since >= limit;
}

}  // namespace

// A viewer that waits for a master has nothing to be sent: that time counts as waiting, not as idle.
void ConnectionClock::note(base::Instant now, std::uint64_t media_packets, bool master_is_here) {
  const bool waits = !is_master_ && !master_is_here;
  if (media_packets != media_packets_ || waits) active_ = now;
  if (master_is_here) with_master_ = now;
  media_packets_ = media_packets;
  master_is_here_ = master_is_here;
}

std::optional<SessionEnd> ConnectionClock::find_overrun(base::Instant now, const SessionLimits& limits) const {
  if (is_over(now, started_, limits.length)) {
    return SessionEnd{EndReason::SessionTooLong,
                      fmt::format("the connection lasted {} s, as long as the limit session_seconds allows: join again",
                                  in_seconds(limits.length))};
  }
  if (!is_master_ && !master_is_here_ && is_over(now, with_master_, limits.without_master)) {
    return SessionEnd{
        EndReason::NoMaster,
        fmt::format("no master was connected for {} s, as long as the limit session_without_master_seconds allows: "
                    "join again when the camera is there",
                    in_seconds(limits.without_master))};
  }
  const base::Duration idle = is_master_ ? limits.master_idle : limits.viewer_idle;
  if (!is_over(now, active_, idle)) return std::nullopt;
  return SessionEnd{
      EndReason::Idle,
      is_master_
          ? fmt::format("the master sent no media for {} s, as long as the limit session_idle_seconds allows: it must "
                        "send, and join again",
                        in_seconds(idle))
          : fmt::format("no media went to or came from the viewer for {} s, as long as the limit "
                        "session_viewer_idle_seconds allows: join again when the camera sends",
                        in_seconds(idle))};
}

}  // namespace sessions
