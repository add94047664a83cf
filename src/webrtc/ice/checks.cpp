// SPDX-License-Identifier: Apache-2.0
// Connectivity checks: STUN requests and answers in both directions (RFC 8445 7).
#include "webrtc/ice/agent.hpp"

namespace webrtc::ice {
namespace {

// What may wait for the owner to send; it drains after every call, so this is reached only by a flood.
constexpr std::size_t kMaxTransmits = 256;
// What its PRIORITY attribute would say is not known yet.
constexpr std::uint16_t kStrangerPreference = 0;
constexpr base::Duration kQuestionInterval = std::chrono::milliseconds(200);

}  // namespace

void Agent::start_check(base::Instant now, Pair& pair, bool nominates) {
  const Check& check = new_check(now, pair, nominates);
  pair.state = Pair::State::Checking;
  pair.triggered = false;
  pair.sends = 1;
  pair.retransmit_wait = options_.first_retransmit;
  pair.retransmit_at = now + pair.retransmit_wait;
  send_check(pair, check);
}

// A check that nobody repeats: consent, or a question whether the path still lives.
void Agent::probe(base::Instant now, Pair& pair) {
  if (pair.state == Pair::State::Checking) return;
  send_check(pair, new_check(now, pair, false));
}

// An authentic packet from an unknown place: the remote behind a NAT with a new mapping, ahead of its next check; or a
// copy that somebody sent on, from a place that would not answer. One check, never repeated but for a further packet:
// who sends us somebody else's packets in a third party's name gets it less than was sent (RFC 8445 19.5.1).
void Agent::ask_stranger(base::Instant now, const base::Flow& flow) {
  if (phase_ != Phase::Connected || now < next_question_) return;
  Pair* pair = find_pair(flow);
  if (pair == nullptr) {
    const Candidate* local = get_or_learn_local(flow);
    if (local != nullptr) {
      pair = add_pair(*local, flow.remote, candidate_priority(CandidateType::PeerReflexive, kStrangerPreference));
    }
    if (pair == nullptr) {
      ++stats_.candidates_dropped;
      return;
    }
    pair->stop();
  }
  next_question_ = now + kQuestionInterval;
  probe(now, *pair);
}

Check& Agent::new_check(base::Instant now, Pair& pair, bool nominates) {
  Check check;
  random_.fill(check.id);
  check.first_sent = now;
  check.nominates = nominates;
  check.controlling = controlling_;
  check.in_use = true;
  pair.first_check = std::min(pair.first_check, now);
  ++pair.checks_sent;
  return pair.add_check(check);
}

void Agent::send_check(const Pair& pair, const Check& check) {
  StunMessage request;
  request.transaction = check.id;
  request.username = remote_->ufrag + ":" + options_.local.ufrag;
  request.priority = pair.reflexive_priority;
  request.use_candidate = check.nominates;
  (check.controlling ? request.ice_controlling : request.ice_controlled) = tie_breaker_;
  ++stats_.checks_sent;
  send(pair.flow, write_stun(request, remote_->password));
}

void Agent::send(const base::Flow& flow, base::Bytes payload) {
  if (transmits_.size() < kMaxTransmits) transmits_.push_back({flow, std::move(payload)});
}

void Agent::handle_request(base::Instant now, const base::Datagram& datagram, const StunMessage& request) {
  if (!is_request_authentic(datagram, request)) return;
  ++stats_.requests_received;
  if (!request.unknown_required.empty()) return refuse(datagram, request, 420, "Unknown Attribute");
  if (!request.priority) return refuse(datagram, request, 400, "PRIORITY is missing");
  if (!settle_role(datagram, request)) return;
  StunMessage answer;
  answer.kind = StunClass::Success;
  answer.transaction = request.transaction;
  answer.mapped_address = datagram.flow.remote;
  send(datagram.flow, write_stun(answer, options_.local.password));
  note_request(now, datagram.flow, request);
}

bool Agent::is_request_authentic(const base::Datagram& datagram, const StunMessage& request) {
  const std::string_view username = request.username;
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos || username.substr(0, colon) != options_.local.ufrag ||
      (remote_ && username.substr(colon + 1) != remote_->ufrag)) {
    ++stats_.wrong_username;
    return false;
  }
  if (!check_integrity(datagram.payload, options_.local.password)) {
    ++stats_.wrong_password;
    return false;
  }
  return true;
}

// RFC 8445 7.3.1.1: of two agents in the same role the one with the larger tie-breaker keeps controlling.
bool Agent::settle_role(const base::Datagram& datagram, const StunMessage& request) {
  const auto& same_role = controlling_ ? request.ice_controlling : request.ice_controlled;
  if (!same_role) return true;
  const bool we_control = tie_breaker_ >= *same_role;
  if (we_control != controlling_) {
    switch_role();
    return true;
  }
  ++stats_.role_conflicts;
  refuse(datagram, request, 487, "Role Conflict");
  return false;
}

void Agent::refuse(const base::Datagram& datagram, const StunMessage& request, int code, std::string reason) {
  if (code != 487) ++stats_.bad_request;
  StunMessage answer;
  answer.kind = StunClass::Error;
  answer.transaction = request.transaction;
  answer.error_code = code;
  answer.error_reason = std::move(reason);
  answer.unknown_attributes = request.unknown_required;
  send(datagram.flow, write_stun(answer, options_.local.password));
}

// RFC 8445 7.3.1.3 to 7.3.1.5: learn a peer reflexive candidate, check back, take note of a nomination.
void Agent::note_request(base::Instant now, const base::Flow& flow, const StunMessage& request) {
  Pair* pair = find_pair(flow);
  if (pair == nullptr) {
    const Candidate* local = get_or_learn_local(flow);
    if (local != nullptr) pair = add_pair(*local, flow.remote, *request.priority);
    if (pair == nullptr) {
      ++stats_.candidates_dropped;
      return;
    }
  }
  pair->heard_request = true;
  pair->last_heard = now;
  if (request.use_candidate && !controlling_) pair->nominated_by_remote = true;
  if (!pair->answered) {
    // A check already out is made anew at its turn: the remote's request may have opened the way just now.
    const bool just_sent = pair->state == Pair::State::Checking && pair->sends == 1;
    if (!just_sent) pair->trigger();
  } else if (pair->nominated_by_remote && !selected_) {
    select(now, *pair);
  }
}

Pair* Agent::find_check(const TransactionId& id, Check& check) {
  for (Pair& pair : pairs_) {
    if (Check* found = pair.find_check(id)) {
      check = *found;
      return &pair;
    }
  }
  return nullptr;
}

void Agent::handle_answer(base::Instant now, const base::Datagram& datagram, const StunMessage& answer) {
  Check check;
  Pair* pair = find_check(answer.transaction, check);
  if (pair == nullptr) {
    ++stats_.unknown_transaction;
    return;
  }
  if (!check_integrity(datagram.payload, remote_->password)) {
    ++stats_.wrong_password;
    return;
  }
  if (datagram.flow.remote != pair->flow.remote || datagram.flow.transport != pair->flow.transport) {
    ++stats_.asymmetric_response;
    return;
  }
  ++stats_.responses_received;
  pair->find_check(answer.transaction)->in_use = false;
  if (answer.kind == StunClass::Error) return handle_error(*pair, check, answer);
  if (datagram.flow.local != pair->flow.local) {
    // The kernel sent from another address than the one we named: that one is the valid pair (RFC 8445 7.2.5.3.2).
    const std::uint32_t remote_priority = pair->remote_priority;
    pair->stop();
    pair = find_pair(datagram.flow);
    const Candidate* local = pair == nullptr ? get_or_learn_local(datagram.flow) : nullptr;
    if (local != nullptr) pair = add_pair(*local, datagram.flow.remote, remote_priority);
    if (pair == nullptr) return;
    if (check.nominates) nominating_ = pair->flow;
  }
  handle_success(now, *pair, check);
}

void Agent::handle_success(base::Instant now, Pair& pair, const Check& check) {
  pair.answered = true;
  pair.last_answer = pair.last_heard = now;
  if (!check.repeated) pair.round_trip = now - check.first_sent;
  first_answer_ = std::min(first_answer_, now);
  const bool nomination_is_out = nominating_ == pair.flow && !check.nominates;
  if (!nomination_is_out) pair.stop();
  const bool is_chosen = controlling_ ? check.nominates && nominating_ == pair.flow  //
                                      : pair.nominated_by_remote && !selected_;
  if (is_chosen) select(now, pair);
}

// RFC 8445 7.2.5.1. Other errors leave the check to be repeated: the remote may not know us yet.
void Agent::handle_error(Pair& pair, const Check& check, const StunMessage& answer) {
  if (answer.error_code != 487) {
    const bool is_current = pair.state == Pair::State::Checking && pair.checks[pair.current].id == check.id;
    if (is_current) pair.checks[pair.current].in_use = true;
    return;
  }
  if (check.controlling == controlling_) switch_role();
  pair.trigger();
}

}  // namespace webrtc::ice
