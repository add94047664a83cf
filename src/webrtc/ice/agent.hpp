// SPDX-License-Identifier: Apache-2.0
#pragma once
// A full ICE agent (RFC 8445) for one component with host candidates over UDP and passive ones over TCP, trickle,
// consent freshness (RFC 7675).

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "base/sans_io.hpp"
#include "webrtc/ice/candidate.hpp"
#include "webrtc/ice/pair.hpp"
#include "webrtc/ice/stun.hpp"

namespace webrtc::ice {

struct Credentials {
  std::string ufrag;
  std::string password;
};
// Eight characters of user name (48 bits: it also routes packets on a shared port) and 24 of password (144 bits).
Credentials make_credentials(base::Random& random);

struct AgentOptions {
  bool controlling = true;
  Credentials local;
  // Each becomes a host candidate, in order of preference. A datagram that arrives on another local address (the
  // advertised one is behind a one-to-one NAT, say) teaches the agent that address.
  std::vector<base::SocketAddress> local_addresses;
  // Each becomes a passive TCP host candidate behind those (RFC 6544): never checked by us before the remote's own
  // check came over a connection it made.
  std::vector<base::SocketAddress> local_tcp_addresses;
  base::Duration check_pacing = std::chrono::milliseconds(20);       // Ta between two new checks
  base::Duration first_retransmit = std::chrono::milliseconds(250);  // RTO; doubles up to max_retransmit
  base::Duration max_retransmit = std::chrono::milliseconds(1600);
  base::Duration nomination_patience = std::chrono::milliseconds(100);  // for a better pair once one answers
  base::Duration tcp_patience = std::chrono::milliseconds(800);         // the same when the best of them is over TCP
  base::Duration connect_timeout = std::chrono::seconds(30);  // from construction, and anew from the remote's answer
  base::Duration consent_interval = std::chrono::seconds(5);  // each wait is 0.8 to 1.2 of it
  base::Duration consent_expiry = std::chrono::seconds(30);
};

// What was dropped, and why. Only ever counted.
struct AgentStats {
  std::uint64_t requests_received = 0;
  std::uint64_t responses_received = 0;
  std::uint64_t indications_received = 0;
  std::uint64_t checks_sent = 0;  // retransmissions included
  std::uint64_t not_stun = 0;
  std::uint64_t wrong_username = 0;
  std::uint64_t wrong_password = 0;
  std::uint64_t bad_request = 0;  // answered with 400 or 420
  std::uint64_t unknown_transaction = 0;
  std::uint64_t asymmetric_response = 0;  // came from elsewhere than the check went to (RFC 8445 7.2.5.2.1)
  std::uint64_t role_conflicts = 0;
  std::uint64_t candidates_refused = 0;  // remote lines without a usable UDP address
  std::uint64_t candidates_dropped = 0;  // over the limits
};

// One candidate pair, as far as it was tried: for a session's diagnosis.
struct PairReport {
  base::Flow flow;
  base::Instant first_check = base::kNever;  // of ours; kNever: none was sent
  std::uint64_t checks_sent = 0;
  bool answered = false;       // a check of ours was answered
  bool heard_request = false;  // an authenticated check of the remote came
  bool selected = false;
};

// Owned by a webrtc::Peer, on its shard. SansIo: feed it only datagrams for which looks_like_stun() holds; media and
// DTLS on a flow are reported with note_traffic().
class Agent {
 public:
  struct Connected {
    base::Flow flow;
  };  // once, when the first pair is selected
  struct SelectedFlowChanged {
    base::Flow flow;
  };  // later, when the remote's address changed
  struct ConsentLost {};  // the remote stopped answering for consent_expiry; the end
  struct Failed {
    std::string reason;
  };  // never connected; the end
  using Event = std::variant<Connected, SelectedFlowChanged, ConsentLost, Failed>;

  // `random` outlives the agent.
  Agent(base::Instant now, base::Random& random, AgentOptions options);

  const Credentials& local_credentials() const { return options_.local; }
  const std::vector<Candidate>& local_candidates() const { return local_; }

  // Checks start when the credentials are known; candidates may come before or after. Requests that come before them
  // are answered and remembered. Calling it again with other credentials is refused (no ICE restart): returns false.
  bool set_remote_credentials(base::Instant now, Credentials remote);
  void add_remote_candidate(base::Instant now, const Candidate& candidate);
  // Parses and adds; a refused line is counted and otherwise without effect.
  void add_remote_candidate(base::Instant now, std::string_view line);

  void handle_datagram(base::Instant now, const base::Datagram& datagram);
  void handle_timeout(base::Instant now);
  std::optional<base::Transmit> poll_transmit() { return base::pop_front(transmits_); }
  std::optional<Event> poll_event() { return base::pop_front(events_); }
  base::Instant next_timeout() const;

  // Authenticated traffic other than STUN came on `flow`: it shows that the path lives. Next to nothing on the selected
  // flow; on another one there may be something to send afterwards. Where no check has come from yet the remote may
  // have moved to: it is asked, and nothing else is sent there before it has answered.
  void note_traffic(base::Instant now, const base::Flow& flow);
  bool has_pair(const base::Flow& flow) const { return find_pair(flow) != nullptr; }
  // True for a flow that connectivity checks have validated in either direction: only these may carry DTLS and media.
  bool is_known_flow(const base::Flow& flow) const;
  // Where to send. Empty before Connected and after ConsentLost or Failed.
  std::optional<base::Flow> selected_flow() const;
  bool is_controlling() const { return controlling_; }
  base::Duration round_trip_time() const;  // of the selected pair's last check; zero if none
  const AgentStats& stats() const { return stats_; }
  // At most 100, in the order in which they were formed.
  std::vector<PairReport> pairs() const;

 private:
  enum class Phase : std::uint8_t { Connecting, Connected, Over };

  // agent.cpp: pairs, turns and deadlines.
  void add_local(const base::SocketAddress& address, base::Transport transport);
  const Candidate* get_or_learn_local(const base::Flow& flow);
  Pair* find_pair(const base::Flow& flow);
  const Pair* find_pair(const base::Flow& flow) const;
  Pair* add_pair(const Candidate& local, const base::SocketAddress& remote, std::uint32_t remote_priority);
  bool make_room();
  void tell_selected();
  void advance(base::Instant now);
  void give_turns(base::Instant now);
  Pair* pick_next();
  void repeat_checks(base::Instant now);
  void expire(base::Instant now);
  void fail(std::string reason);
  std::string describe_failure() const;
  void update_wake();
  base::Instant next_connecting_step() const;

  // selection.cpp: nomination, the selected pair, consent.
  void nominate(base::Instant now);
  const Pair* find_best_answered() const;
  base::Duration patience_beyond(const Pair& best) const;
  bool may_be_beaten(const Pair& best) const;
  void follow_remote(base::Instant now);
  Pair* find_livelier_pair(const Pair& selected);
  void select(base::Instant now, Pair& pair);
  void keep_consent(base::Instant now);
  void schedule_consent(base::Instant now);
  void give_up_nomination(Pair& pair);
  void switch_role();

  // checks.cpp: STUN in and out.
  void start_check(base::Instant now, Pair& pair, bool nominates);
  void probe(base::Instant now, Pair& pair);
  void ask_stranger(base::Instant now, const base::Flow& flow);
  Check& new_check(base::Instant now, Pair& pair, bool nominates);
  void send_check(const Pair& pair, const Check& check);
  void send(const base::Flow& flow, base::Bytes payload);
  void handle_request(base::Instant now, const base::Datagram& datagram, const StunMessage& request);
  bool is_request_authentic(const base::Datagram& datagram, const StunMessage& request);
  bool settle_role(const base::Datagram& datagram, const StunMessage& request);
  void refuse(const base::Datagram& datagram, const StunMessage& request, int code, std::string reason);
  void note_request(base::Instant now, const base::Flow& flow, const StunMessage& request);
  void handle_answer(base::Instant now, const base::Datagram& datagram, const StunMessage& answer);
  void handle_success(base::Instant now, Pair& pair, const Check& check);
  void handle_error(Pair& pair, const Check& check, const StunMessage& answer);
  Pair* find_check(const TransactionId& id, Check& check);

  // What note_traffic() and next_timeout() look at comes first, side by side.
  std::optional<base::Flow> selected_;
  base::Instant selected_heard_ = base::Instant::min();  // traffic on it, until the pair is told
  base::Instant wake_ = base::kNever;
  base::Random& random_;
  AgentOptions options_;
  std::uint64_t tie_breaker_;
  bool controlling_;
  Phase phase_ = Phase::Connecting;
  std::vector<Candidate> local_;
  std::optional<Credentials> remote_;
  std::vector<Pair> pairs_;
  std::size_t remote_candidates_ = 0;
  std::optional<base::Flow> nominating_;  // controlling: the pair whose USE-CANDIDATE check is out
  base::Instant deadline_;
  base::Instant next_turn_ = base::Instant::min();
  base::Instant first_answer_ = base::kNever;
  base::Instant consent_at_ = base::kNever;
  base::Instant probing_since_ = base::kNever;  // the selected pair is silent while another is not
  base::Instant probe_at_ = base::kNever;
  base::Instant next_question_ = base::Instant::min();  // to where only media came from
  std::deque<base::Transmit> transmits_;
  std::deque<Event> events_;
  AgentStats stats_;
};

}  // namespace webrtc::ice
