// SPDX-License-Identifier: Apache-2.0
#pragma once
// A full ICE agent (RFC 8445) for one component over UDP with host candidates, trickle, consent freshness (RFC 7675).

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "base/sans_io.hpp"
#include "webrtc/ice/candidate.hpp"
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
  base::Duration check_pacing = std::chrono::milliseconds(20);       // Ta between two new checks
  base::Duration first_retransmit = std::chrono::milliseconds(250);  // RTO; doubles up to max_retransmit
  base::Duration max_retransmit = std::chrono::milliseconds(1600);
  base::Duration nomination_patience = std::chrono::milliseconds(100);  // for a better pair once one answers
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

// Owned by a webrtc::Peer, on its shard. SansIo: feed it only datagrams for which looks_like_stun() holds; media and
// DTLS on a flow are reported with note_traffic().
class Agent {
 public:
  struct Connected {
    base::Flow flow;
  };  // once, when the first pair is selected
  struct SelectedFlowChanged {
    base::Flow flow;
  };                      // later, when the remote's address changed
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

  // Authenticated traffic other than STUN came on `flow`: it shows that the path lives.
  void note_traffic(base::Instant now, const base::Flow& flow);
  // True for a flow that connectivity checks have validated in either direction: only these may carry DTLS and media.
  bool is_known_flow(const base::Flow& flow) const;
  // Where to send. Empty before Connected and after ConsentLost or Failed.
  std::optional<base::Flow> selected_flow() const;
  bool is_controlling() const { return controlling_; }
  base::Duration round_trip_time() const;  // of the selected pair's last check; zero if none
  const AgentStats& stats() const { return stats_; }

 private:
  struct Pair;
  struct Remote;

  AgentOptions options_;
  bool controlling_;
  std::vector<Candidate> local_;
  std::deque<base::Transmit> transmits_;
  std::deque<Event> events_;
  AgentStats stats_;
};

}  // namespace webrtc::ice
