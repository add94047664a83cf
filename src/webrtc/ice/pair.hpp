// SPDX-License-Identifier: Apache-2.0
#pragma once
// A candidate pair and the checks in flight on it (RFC 8445 6.1.2).

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/address.hpp"
#include "base/time.hpp"
#include "webrtc/ice/stun.hpp"

namespace webrtc::ice {

// A check that may still be answered.
struct Check {
  TransactionId id{};
  base::Instant first_sent{};
  bool nominates = false;    // carried USE-CANDIDATE
  bool controlling = false;  // the role it claimed
  bool repeated = false;     // sent more than once: no round-trip time can be told
  bool in_use = false;
};

struct Pair {
  enum class State : std::uint8_t {
    Idle,      // nothing to do: answered, or given up until the remote checks it
    Waiting,   // to be checked when its turn comes
    Checking,  // a check is out and is repeated until it is answered
  };

  base::Flow flow;
  std::uint32_t local_priority = 0;
  std::uint32_t remote_priority = 0;
  std::uint32_t reflexive_priority = 0;  // the PRIORITY attribute of our checks
  std::uint64_t priority = 0;
  State state = State::Waiting;
  bool triggered = false;      // next in turn
  bool answered = false;       // a check was answered: may carry traffic
  bool heard_request = false;  // an authenticated check came on it
  bool nominated_by_remote = false;
  std::array<Check, 4> checks{};  // the newest are kept
  std::size_t next_slot = 0;
  base::Instant first_check = base::kNever;  // of ours; kNever: none yet
  std::uint64_t checks_sent = 0;             // retransmissions included
  std::size_t current = 0;                   // index of the check that is repeated in state Checking
  base::Duration retransmit_wait{};
  base::Instant retransmit_at = base::kNever;
  unsigned sends = 0;                                // of the current check
  base::Instant last_heard = base::Instant::min();   // anything authenticated
  base::Instant last_answer = base::Instant::min();  // of a check: consent
  base::Duration round_trip{};

  void stop() {
    state = State::Idle;
    triggered = false;
    retransmit_at = base::kNever;
  }
  void trigger() {
    state = State::Waiting;
    triggered = true;
    retransmit_at = base::kNever;
  }

  // RFC 8445 6.1.2.3: G is the controlling side's candidate priority, D the controlled side's.
  void set_priority(bool controlling) {
    const std::uint64_t g = controlling ? local_priority : remote_priority;
    const std::uint64_t d = controlling ? remote_priority : local_priority;
    priority = (std::min(g, d) << 32) + 2 * std::max(g, d) + (g > d ? 1 : 0);
  }

  // Takes the place of the oldest check.
  Check& add_check(const Check& check) {
    current = next_slot;
    next_slot = (next_slot + 1) % checks.size();
    return checks[current] = check;
  }

  Check* find_check(const TransactionId& id) {
    for (Check& check : checks) {
      if (check.in_use && check.id == id) return &check;
    }
    return nullptr;
  }
};

}  // namespace webrtc::ice
