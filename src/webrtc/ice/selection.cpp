// SPDX-License-Identifier: Apache-2.0
// Which pair carries the traffic: nomination, following a remote whose address changed, consent (RFC 7675).
#include "webrtc/ice/agent.hpp"

namespace webrtc::ice {
namespace {

using std::chrono::milliseconds;

// The selected pair is probed when another one was heard this much later, and abandoned when the probes stay unanswered
// for a few of its round trips, at most a second: until then what we send, requests for a key frame among it, is lost.
constexpr base::Duration kSilenceBeforeProbing = milliseconds(300);
constexpr base::Duration kProbeInterval = milliseconds(200);
constexpr base::Duration kMaxProbingTime = milliseconds(1000);

base::Duration probing_time(const Pair& selected) {
  if (selected.round_trip == base::Duration::zero()) return kMaxProbingTime;  // not known
  return std::min(kMaxProbingTime, kProbeInterval + 3 * selected.round_trip);
}

}  // namespace

// RFC 8445 8.1.1: regular nomination, with little patience: at once if no better pair is being checked.
void Agent::nominate(base::Instant now) {
  if (!controlling_ || selected_ || nominating_) return;
  const Pair* best = find_best_answered();
  if (best == nullptr) return;
  if (may_be_beaten(*best) && now < first_answer_ + patience_beyond(*best)) return;
  nominating_ = best->flow;
  start_check(now, *find_pair(best->flow), true);
}

// A session stays on TCP once it is nominated, so UDP gets the time of three checks first.
base::Duration Agent::patience_beyond(const Pair& best) const {
  return best.flow.transport == base::Transport::Tcp ? options_.tcp_patience : options_.nomination_patience;
}

const Pair* Agent::find_best_answered() const {
  const Pair* best = nullptr;
  for (const Pair& pair : pairs_) {
    if (pair.answered && (best == nullptr || pair.priority > best->priority)) best = &pair;
  }
  return best;
}

bool Agent::may_be_beaten(const Pair& best) const {
  for (const Pair& pair : pairs_) {
    if (!pair.answered && pair.state != Pair::State::Idle && pair.priority > best.priority) return true;
  }
  return false;
}

// The path died between its first answer and its nomination: another one may do. If none does, this one is tried anew:
// the remote has its answer already, and may never check us again.
void Agent::give_up_nomination(Pair& pair) {
  nominating_.reset();
  pair.stop();
  pair.answered = false;
  if (phase_ == Phase::Connecting) pair.trigger();
}

// A remote behind a NAT that got a new mapping, or a phone that changed its network, checks us from a new address.
// Controlling, we nominate that pair; controlled, we wait until the remote has.
void Agent::follow_remote(base::Instant now) {
  if (phase_ != Phase::Connected || nominating_) return;
  Pair& selected = *find_pair(*selected_);
  Pair* other = find_livelier_pair(selected);
  if (other == nullptr) {
    probing_since_ = base::kNever;
    return;
  }
  // An aggressive remote nominates every pair it checks; the best one counts (RFC 5245 8.1.1.2).
  if (!controlling_ && other->priority > selected.priority) return select(now, *other);
  if (probing_since_ == base::kNever) {
    if (other->last_heard < selected.last_heard + kSilenceBeforeProbing) return;
    probing_since_ = probe_at_ = now;
  }
  if (now >= probing_since_ + probing_time(selected)) {
    probing_since_ = base::kNever;
    if (!controlling_) {
      selected.answered = selected.nominated_by_remote = false;  // or its better priority would call us back
      return select(now, *other);
    }
    nominating_ = other->flow;
    start_check(now, *other, true);
  } else if (now >= probe_at_) {
    probe(now, selected);
    probe_at_ = now + kProbeInterval;
  }
}

Pair* Agent::find_livelier_pair(const Pair& selected) {
  Pair* found = nullptr;
  for (Pair& pair : pairs_) {
    if (&pair == &selected || !pair.answered || (!controlling_ && !pair.nominated_by_remote)) continue;
    if (!controlling_ && pair.priority > selected.priority) return &pair;
    if (pair.last_heard <= selected.last_heard) continue;
    if (found == nullptr || pair.last_heard > found->last_heard) found = &pair;
  }
  return found;
}

void Agent::select(base::Instant now, Pair& pair) {
  const bool first = phase_ == Phase::Connecting;
  if (!first && controlling_) find_pair(*selected_)->answered = false;  // we leave it only because it is silent
  phase_ = Phase::Connected;
  tell_selected();
  selected_ = pair.flow;
  selected_heard_ = base::Instant::min();
  // Who is nominated may have had its own answer long ago: the nomination, authentic as it is, renews the consent.
  pair.last_answer = std::max(pair.last_answer, now);
  nominating_.reset();
  probing_since_ = base::kNever;
  if (first) {
    events_.push_back(Connected{pair.flow});
  } else {
    events_.push_back(SelectedFlowChanged{pair.flow});
  }
  for (Pair& other : pairs_) {
    if (!other.triggered) other.stop();
  }
  schedule_consent(now);
}

void Agent::keep_consent(base::Instant now) {
  if (phase_ != Phase::Connected || now < consent_at_) return;
  probe(now, *find_pair(*selected_));
  schedule_consent(now);
}

// RFC 7675 5.1: each wait is random between 0.8 and 1.2 of the interval.
void Agent::schedule_consent(base::Instant now) {
  const auto interval = options_.consent_interval;
  consent_at_ =
      now + interval * 8 / 10 + base::Duration(random_.below(static_cast<std::uint64_t>(interval.count())) * 4 / 10);
}

// RFC 8445 7.3.1.1. Checks that claimed the old role are made anew.
void Agent::switch_role() {
  ++stats_.role_conflicts;
  controlling_ = !controlling_;
  nominating_.reset();
  for (Pair& pair : pairs_) {
    pair.set_priority(controlling_);
    if (pair.state == Pair::State::Checking) pair.trigger();
  }
}

}  // namespace webrtc::ice
