// SPDX-License-Identifier: Apache-2.0
#include "webrtc/ice/agent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace webrtc::ice {
namespace {

// RFC 8445 6.1.2.5 recommends 100 pairs; the other limits keep a hostile answer from costing more than that.
constexpr std::size_t kMaxPairs = 100;
constexpr std::size_t kMaxRemoteCandidates = 100;
constexpr std::size_t kMaxLocalCandidates = 16;
// After the connection stands, a check of a new path is repeated this often, then the path is forgotten.
constexpr unsigned kMaxSendsOnceConnected = 7;
constexpr unsigned kMaxNominationSends = 6;

// Paths that no route can have: the checks would only fail in the kernel.
bool may_reach(const base::SocketAddress& local, const base::SocketAddress& remote) {
  return local.ip.family == remote.ip.family && local.ip.is_loopback() == remote.ip.is_loopback() &&
         local.ip.is_link_local() == remote.ip.is_link_local();
}

}  // namespace

Credentials make_credentials(base::Random& random) {
  return {random.ice_characters(8), random.ice_characters(24)};
}

Agent::Agent(base::Instant now, base::Random& random, AgentOptions options)
    : random_(random),
      options_(std::move(options)),
      tie_breaker_(random.u64()),
      controlling_(options_.controlling),
      deadline_(now + options_.connect_timeout) {
  local_.reserve(kMaxLocalCandidates);
  for (const auto& address : options_.local_addresses) add_local(address, base::Transport::Udp);
  for (const auto& address : options_.local_tcp_addresses) add_local(address, base::Transport::Tcp);
  update_wake();
}

bool Agent::set_remote_credentials(base::Instant now, Credentials remote) {
  if (remote_) return remote_->ufrag == remote.ufrag && remote_->password == remote.password;
  remote_ = std::move(remote);
  if (phase_ == Phase::Connecting) deadline_ = now + options_.connect_timeout;
  advance(now);
  return true;
}

void Agent::add_remote_candidate(base::Instant now, const Candidate& candidate) {
  if (++remote_candidates_ > kMaxRemoteCandidates) {
    ++stats_.candidates_dropped;
    return;
  }
  for (const Candidate& local : local_) {
    if (local.transport != base::Transport::Udp || !may_reach(local.address, candidate.address)) continue;
    if (Pair* known = find_pair({local.address, candidate.address})) {
      // Learnt as peer reflexive before its line came (RFC 8445 7.3.1.3).
      known->remote_priority = candidate.priority;
      known->set_priority(controlling_);
      continue;
    }
    if (pairs_.size() >= kMaxPairs) {
      ++stats_.candidates_dropped;
      break;
    }
    Pair* pair = add_pair(local, candidate.address, candidate.priority);
    if (phase_ == Phase::Connected) pair->stop();
  }
  advance(now);
}

void Agent::add_remote_candidate(base::Instant now, std::string_view line) {
  if (const auto candidate = parse_candidate(line)) {
    add_remote_candidate(now, *candidate);
  } else {
    ++stats_.candidates_refused;
  }
}

void Agent::handle_datagram(base::Instant now, const base::Datagram& datagram) {
  if (phase_ == Phase::Over) return;
  const auto message = parse_stun(datagram.payload);
  if (!message || message->method != kBindingMethod) {
    ++stats_.not_stun;
    return;
  }
  switch (message->kind) {
    case StunClass::Request:
      handle_request(now, datagram, *message);
      break;
    case StunClass::Indication:
      ++stats_.indications_received;
      break;
    case StunClass::Success:
    case StunClass::Error:
      handle_answer(now, datagram, *message);
      break;
  }
  advance(now);
}

void Agent::handle_timeout(base::Instant now) {
  advance(now);
}

base::Instant Agent::next_timeout() const {
  return wake_;
}

void Agent::note_traffic(base::Instant now, const base::Flow& flow) {
  if (selected_ == flow) {
    selected_heard_ = now;
    return;
  }
  Pair* pair = find_pair(flow);
  if (pair == nullptr || !is_known_flow(flow)) return ask_stranger(now, flow);
  pair->last_heard = now;
  if (selected_) advance(now);
}

// Every packet comes here by note_traffic(); the pair is looked at only when it is compared with others.
void Agent::tell_selected() {
  if (!selected_) return;
  Pair& pair = *find_pair(*selected_);
  pair.last_heard = std::max(pair.last_heard, selected_heard_);
}

bool Agent::is_known_flow(const base::Flow& flow) const {
  const Pair* pair = find_pair(flow);
  return pair != nullptr && (pair->answered || pair->heard_request);
}

std::optional<base::Flow> Agent::selected_flow() const {
  return phase_ == Phase::Connected ? selected_ : std::nullopt;
}

base::Duration Agent::round_trip_time() const {
  const Pair* pair = selected_ ? find_pair(*selected_) : nullptr;
  return pair != nullptr ? pair->round_trip : base::Duration{};
}

std::vector<PairReport> Agent::pairs() const {
  std::vector<PairReport> reports;
  for (const Pair& pair : pairs_) {
    reports.push_back(
        {pair.flow, pair.first_check, pair.checks_sent, pair.answered, pair.heard_request, selected_ == pair.flow});
  }
  return reports;
}

void Agent::add_local(const base::SocketAddress& address, base::Transport transport) {
  if (local_.size() >= kMaxLocalCandidates) {
    ++stats_.candidates_dropped;
    return;
  }
  const auto index = static_cast<std::uint16_t>(local_.size());
  const std::uint32_t priority =
      transport == base::Transport::Tcp
          ? tcp_candidate_priority(CandidateType::Host, index)
          : candidate_priority(CandidateType::Host, static_cast<std::uint16_t>(65535 - index));
  local_.push_back({fmt::format("{}", index + 1), priority, address, CandidateType::Host, transport});
}

const Candidate* Agent::get_or_learn_local(const base::Flow& flow) {
  for (const Candidate& local : local_) {
    if (local.address == flow.local && local.transport == flow.transport) return &local;
  }
  if (local_.size() >= kMaxLocalCandidates) return nullptr;
  add_local(flow.local, flow.transport);
  return &local_.back();
}

const Pair* Agent::find_pair(const base::Flow& flow) const {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& pair) { return pair.flow == flow; });
  return found == pairs_.end() ? nullptr : &*found;
}

Pair* Agent::find_pair(const base::Flow& flow) {
  return const_cast<Pair*>(std::as_const(*this).find_pair(flow));
}

// The address of a pair is good until the next add_pair().
Pair* Agent::add_pair(const Candidate& local, const base::SocketAddress& remote, std::uint32_t remote_priority) {
  if (pairs_.size() >= kMaxPairs && !make_room()) return nullptr;
  Pair pair;
  pair.flow = {local.address, remote, local.transport};
  pair.local_priority = local.priority;
  pair.remote_priority = remote_priority;
  pair.reflexive_priority =
      local.transport == base::Transport::Tcp
          ? tcp_candidate_priority(CandidateType::PeerReflexive, 0)
          : candidate_priority(CandidateType::PeerReflexive, static_cast<std::uint16_t>(local.priority >> 8));
  pair.set_priority(controlling_);
  return &pairs_.emplace_back(pair);
}

// A remote that wanders from address to address for hours must still be followed: the pair that was silent longest
// goes, never the selected one.
bool Agent::make_room() {
  auto victim = pairs_.end();
  for (auto pair = pairs_.begin(); pair != pairs_.end(); ++pair) {
    if (pair->flow == selected_ || pair->flow == nominating_) continue;
    if (victim == pairs_.end() || pair->last_heard < victim->last_heard) victim = pair;
  }
  if (victim == pairs_.end()) return false;
  pairs_.erase(victim);
  return true;
}

void Agent::advance(base::Instant now) {
  tell_selected();
  if (phase_ != Phase::Over) expire(now);
  if (phase_ != Phase::Over && remote_) {
    repeat_checks(now);
    give_turns(now);
    nominate(now);
    follow_remote(now);
    keep_consent(now);
  }
  update_wake();
}

// RFC 8445 6.1.4.2: one new check each Ta.
void Agent::give_turns(base::Instant now) {
  if (now < next_turn_) return;
  Pair* pair = pick_next();
  if (pair == nullptr) return;
  start_check(now, *pair, false);
  next_turn_ = now + options_.check_pacing;
}

Pair* Agent::pick_next() {
  Pair* best = nullptr;
  for (Pair& pair : pairs_) {
    if (pair.state != Pair::State::Waiting) continue;
    if (best == nullptr || std::pair(pair.triggered, pair.priority) > std::pair(best->triggered, best->priority))
      best = &pair;
  }
  return best;
}

// There is no count after which a pair fails while we connect: a trickling remote may learn our credentials late.
void Agent::repeat_checks(base::Instant now) {
  for (Pair& pair : pairs_) {
    if (pair.state != Pair::State::Checking || now < pair.retransmit_at) continue;
    Check& check = pair.checks[pair.current];
    if (check.nominates && pair.sends >= kMaxNominationSends) {
      give_up_nomination(pair);
    } else if (phase_ == Phase::Connected && pair.sends >= kMaxSendsOnceConnected) {
      pair.stop();
    } else {
      check.repeated = true;
      ++pair.sends;
      pair.retransmit_wait = std::min(2 * pair.retransmit_wait, options_.max_retransmit);
      pair.retransmit_at = now + pair.retransmit_wait;
      ++pair.checks_sent;
      send_check(pair, check);
    }
  }
}

void Agent::expire(base::Instant now) {
  if (phase_ == Phase::Connecting && now >= deadline_) {
    events_.push_back(Failed{describe_failure()});
    phase_ = Phase::Over;
  } else if (phase_ == Phase::Connected && now >= find_pair(*selected_)->last_answer + options_.consent_expiry) {
    events_.push_back(ConsentLost{});
    phase_ = Phase::Over;
  }
}

std::string Agent::describe_failure() const {
  std::string text;
  const auto tried = std::count_if(pairs_.begin(), pairs_.end(), [](const Pair& pair) { return pair.sends > 0; });
  const auto answered = std::count_if(pairs_.begin(), pairs_.end(), [](const Pair& pair) { return pair.answered; });
  if (!remote_) {
    text = "the remote's answer never came";
  } else if (answered > 0) {
    text = controlling_ ? "a candidate pair answered, but not to its nomination"
                        : "a candidate pair answered, but the remote never nominated one";
  } else if (pairs_.empty()) {
    text = "the remote named no address that could be tried";
  } else {
    text = fmt::format("no candidate pair answered: {} pairs tried", tried);
    for (std::size_t i = 0; i < std::min<std::size_t>(pairs_.size(), 3); ++i)
      text += fmt::format("{} {} to {}", i == 0 ? ":" : ",", pairs_[i].flow.local.text(), pairs_[i].flow.remote.text());
    if (pairs_.size() > 3) text += ", ...";
  }
  if (stats_.candidates_refused > 0)
    text += fmt::format("; {} remote candidates were host names, TCP or malformed", stats_.candidates_refused);
  if (remote_ && answered == 0 && stats_.requests_received > 0) text += "; the remote's own checks did arrive";
  if (stats_.wrong_password + stats_.wrong_username > 0)
    text += fmt::format("; {} checks or answers had wrong credentials", stats_.wrong_password + stats_.wrong_username);
  return text;
}

base::Instant Agent::next_connecting_step() const {
  const Pair* best = controlling_ && !nominating_ ? find_best_answered() : nullptr;
  return best == nullptr ? deadline_ : std::min(deadline_, first_answer_ + patience_beyond(*best));
}

void Agent::update_wake() {
  wake_ = base::kNever;
  if (phase_ == Phase::Over) return;
  if (phase_ == Phase::Connecting) wake_ = next_connecting_step();
  if (!remote_) return;
  for (const Pair& pair : pairs_) {
    if (pair.state == Pair::State::Waiting) wake_ = std::min(wake_, next_turn_);
    if (pair.state == Pair::State::Checking) wake_ = std::min(wake_, pair.retransmit_at);
  }
  if (phase_ != Phase::Connected) return;
  wake_ = std::min({wake_, consent_at_, find_pair(*selected_)->last_answer + options_.consent_expiry});
  if (probing_since_ != base::kNever) wake_ = std::min(wake_, probe_at_);
}

}  // namespace webrtc::ice
