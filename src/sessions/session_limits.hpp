// SPDX-License-Identifier: Apache-2.0
#pragma once
// How long one may be connected to a storage session (contract 3.5). Pure: the session notes what it sees.

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "sessions/session_end.hpp"

namespace sessions {

// Zero: no limit.
struct SessionLimits {
  base::Duration length{};          // of a connection
  base::Duration master_idle{};     // without a media packet of the master
  base::Duration viewer_idle{};     // without a media packet to or from a viewer while there is a master
  base::Duration without_master{};  // of a viewer

  bool any() const {
    return length.count() > 0 || master_idle.count() > 0 || viewer_idle.count() > 0 || without_master.count() > 0;
  }
};

// One connection's, from DtlsConnected on.
class ConnectionClock {
 public:
  explicit ConnectionClock(bool is_master) : is_master_(is_master) {}

  void start(base::Instant now) { started_ = active_ = with_master_ = now; }
  // `media_packets`: all that the client sent, and for a viewer also what it was sent.
  void note(base::Instant now, std::uint64_t media_packets, bool master_is_here);
  // Why the connection ends now, if it does: of the limits as of the last note().
  std::optional<SessionEnd> find_overrun(base::Instant now, const SessionLimits& limits) const;

 private:
  const bool is_master_;
  std::uint64_t media_packets_ = 0;
  bool master_is_here_ = false;
  base::Instant started_{}, active_{}, with_master_{};
};

}  // namespace sessions
