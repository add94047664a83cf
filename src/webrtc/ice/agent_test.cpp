// SPDX-License-Identifier: Apache-2.0
#include "webrtc/ice/agent.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace webrtc::ice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

static_assert(base::SansIo<Agent>);

base::SocketAddress address(std::string_view text) {
  return base::SocketAddress::parse(text).value();
}
base::Instant at(base::Duration since_start) {
  return base::Instant(seconds(1000)) + since_start;
}

struct Link {
  base::Duration delay = milliseconds(20);
  base::Duration jitter{};
  double loss = 0;
  double duplicates = 0;
};

// Two agents, a wire between them and a clock that only moves from one event to the next.
class AgentWire {
 public:
  struct Side {
    std::unique_ptr<Agent> agent;
    std::vector<Agent::Event> events;
    std::vector<base::Duration> event_times;
    // A one-to-one NAT in front of this side: what it sends appears from here; empty: no NAT.
    std::map<base::SocketAddress, base::SocketAddress> nat;
    std::multimap<base::Instant, std::pair<base::Flow, base::Bytes>> inbox;
    std::uint64_t sent = 0;

    template <class E>
    std::size_t count() const {
      std::size_t n = 0;
      for (const auto& event : events) n += std::holds_alternative<E>(event) ? 1 : 0;
      return n;
    }
    template <class E>
    std::optional<base::Duration> time_of() const {
      for (std::size_t i = 0; i < events.size(); ++i) {
        if (std::holds_alternative<E>(events[i])) return event_times[i];
      }
      return std::nullopt;
    }
  };

  AgentWire(std::uint64_t seed, Link link, AgentOptions a_options, AgentOptions b_options)
      : link(link), random_(seed), a_random_(seed + 1), b_random_(seed + 2) {
    a_options.local = make_credentials(a_random_);
    b_options.local = make_credentials(b_random_);
    a.agent = std::make_unique<Agent>(now_, a_random_, a_options);
    b.agent = std::make_unique<Agent>(now_, b_random_, b_options);
  }

  // What signaling does: credentials and candidates of each side reach the other.
  void introduce() {
    tell(a, b);
    tell(b, a);
  }
  void tell(Side& to, Side& about) {
    to.agent->set_remote_credentials(now_, about.agent->local_credentials());
    for (const Candidate& candidate : about.agent->local_candidates())
      to.agent->add_remote_candidate(now_, write_candidate(candidate));
    drain();
  }

  void run_until(base::Duration since_start) {
    const base::Instant end = at(since_start);
    drain();
    while (true) {
      const base::Instant next = std::min({first(a), first(b), a.agent->next_timeout(), b.agent->next_timeout()});
      if (next > end) break;
      ASSERT_LT(++steps_, 200000) << "the machine spins";
      now_ = std::max(now_, next);
      step(a);
      step(b);
      drain();
    }
    now_ = end;
  }

  base::Instant now() const { return now_; }
  void drain() {
    drain(a, b);
    drain(b, a);
  }
  void inject(Side& to, base::Flow flow, base::Bytes bytes) {
    to.agent->handle_datagram(now_, {flow, bytes});
    drain();
  }

  Link link;
  Side a, b;
  std::function<bool(const base::Transmit&)> blocked = [](const auto&) { return false; };
  std::set<base::SocketAddress> tcp;  // what is sent to these arrives over a TCP connection

 private:
  static base::Instant first(const Side& side) { return side.inbox.empty() ? base::kNever : side.inbox.begin()->first; }

  void step(Side& side) {
    while (!side.inbox.empty() && side.inbox.begin()->first <= now_) {
      auto [flow, bytes] = std::move(side.inbox.begin()->second);
      side.inbox.erase(side.inbox.begin());
      side.agent->handle_datagram(now_, {flow, bytes});
    }
    if (side.agent->next_timeout() <= now_) side.agent->handle_timeout(now_);
  }

  bool chance(double p) { return static_cast<double>(random_.below(1000000)) < p * 1e6; }

  void drain(Side& from, Side& to) {
    while (auto out = from.agent->poll_transmit()) {
      ++from.sent;
      if (blocked(*out)) continue;
      base::SocketAddress source = out->flow.local;
      if (const auto mapped = from.nat.find(source); mapped != from.nat.end()) source = mapped->second;
      base::SocketAddress target = out->flow.remote;
      bool translated = to.nat.empty();
      for (const auto& [inside, outside] : to.nat) {
        if (outside != target) continue;
        target = inside;
        translated = true;
        break;
      }
      if (!translated) continue;  // nothing behind that NAT has this address
      const auto transport = tcp.contains(target) ? base::Transport::Tcp : base::Transport::Udp;
      for (int copies = chance(link.duplicates) ? 2 : 1; copies > 0; --copies) {
        if (chance(link.loss)) continue;
        const auto jitter = base::Duration(static_cast<std::int64_t>(
            link.jitter.count() == 0 ? 0 : random_.below(static_cast<std::uint64_t>(link.jitter.count()))));
        to.inbox.emplace(now_ + link.delay + jitter, std::pair(base::Flow{target, source, transport}, out->payload));
      }
    }
    while (auto event = from.agent->poll_event()) {
      from.events.push_back(*event);
      from.event_times.push_back(now_ - at({}));
    }
  }

  base::SeededRandom random_, a_random_, b_random_;
  base::Instant now_ = at({});
  int steps_ = 0;
};

AgentOptions options_at(std::initializer_list<const char*> addresses, bool controlling) {
  AgentOptions options;
  options.controlling = controlling;
  for (const char* text : addresses) options.local_addresses.push_back(address(text));
  return options;
}
AgentOptions server_options() {
  return options_at({"192.0.2.1:8443"}, true);
}
AgentOptions camera_options() {
  return options_at({"198.51.100.7:5000"}, false);
}

base::Flow mirrored(const base::Flow& flow) {
  return {flow.remote, flow.local};
}

TEST(Agent, ConnectsWithinAFewRoundTrips) {
  AgentWire wire(1, {.delay = milliseconds(1)}, server_options(), camera_options());
  wire.introduce();
  wire.run_until(seconds(3));
  ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U);
  ASSERT_EQ(wire.b.count<Agent::Connected>(), 1U);
  EXPECT_LT(*wire.a.time_of<Agent::Connected>(), milliseconds(50));
  EXPECT_LT(*wire.b.time_of<Agent::Connected>(), milliseconds(50));
  EXPECT_EQ(wire.a.agent->selected_flow(), mirrored(*wire.b.agent->selected_flow()));
  EXPECT_EQ(wire.a.agent->round_trip_time(), milliseconds(2));
  EXPECT_LT(wire.a.sent + wire.b.sent, 16U) << "a connection costs a handful of packets";
}

TEST(Agent, ConnectsFastBesideAddressesThatNeverAnswer) {
  auto server = options_at({"203.0.113.9:8443", "192.0.2.1:8443"}, true);
  auto camera = options_at({"203.0.113.77:5000", "198.51.100.7:5000"}, false);
  AgentWire wire(2, {.delay = milliseconds(1)}, server, camera);
  wire.blocked = [](const base::Transmit& out) {
    return out.flow.local.text().starts_with("203") || out.flow.remote.text().starts_with("203");
  };
  wire.introduce();
  wire.run_until(seconds(2));
  ASSERT_TRUE(wire.a.time_of<Agent::Connected>());
  EXPECT_LT(*wire.a.time_of<Agent::Connected>(), milliseconds(200));
  EXPECT_EQ(wire.a.agent->selected_flow()->local, address("192.0.2.1:8443"));

  const std::vector<PairReport> pairs = wire.a.agent->pairs();
  ASSERT_EQ(pairs.size(), 4U);
  for (const PairReport& pair : pairs) {
    SCOPED_TRACE(pair.flow.local.text() + " to " + pair.flow.remote.text());
    const bool can_answer = pair.flow == *wire.a.agent->selected_flow();
    EXPECT_EQ(pair.selected, can_answer);
    EXPECT_EQ(pair.answered, can_answer);
    EXPECT_EQ(pair.heard_request, can_answer);
    EXPECT_GE(pair.checks_sent, can_answer ? 2U : 0U);  // the second nominates
    EXPECT_EQ(pair.first_check == base::kNever, pair.checks_sent == 0);
    if (pair.first_check != base::kNever) EXPECT_LT(pair.first_check, at(*wire.a.time_of<Agent::Connected>()));
  }
}

TEST(Agent, ConnectsThroughLossReorderingAndDuplicates) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    AgentWire wire(seed, {.delay = milliseconds(30), .jitter = milliseconds(60), .loss = 0.3, .duplicates = 0.1},
                   options_at({"192.0.2.1:8443", "[2001:db8::1]:8443"}, true),
                   options_at({"198.51.100.7:5000", "[2001:db8::7]:5000"}, false));
    wire.introduce();
    wire.run_until(seconds(20));
    ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U) << seed;
    ASSERT_EQ(wire.b.count<Agent::Connected>(), 1U) << seed;
    ASSERT_EQ(wire.a.agent->selected_flow(), mirrored(*wire.b.agent->selected_flow())) << seed;
    EXPECT_EQ(wire.a.count<Agent::Failed>() + wire.a.count<Agent::ConsentLost>(), 0U) << seed;
  }
}

// Candidates come one by one and late; checks of the camera arrive before its answer does.
TEST(Agent, TricklesAndRemembersEarlyChecks) {
  AgentWire wire(3, {.delay = milliseconds(5)}, server_options(), camera_options());
  wire.tell(wire.b, wire.a);
  wire.run_until(milliseconds(400));
  EXPECT_GT(wire.a.agent->stats().requests_received, 0U);
  EXPECT_EQ(wire.a.agent->stats().checks_sent, 0U) << "without the remote's password there is nothing to send";
  // No candidate line at all: the early check taught the address.
  wire.a.agent->set_remote_credentials(wire.now(), wire.b.agent->local_credentials());
  wire.run_until(seconds(1));
  ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U);
  EXPECT_LT(*wire.a.time_of<Agent::Connected>(), milliseconds(500));
  ASSERT_EQ(wire.b.count<Agent::Connected>(), 1U);
}

TEST(Agent, LearnsTheAddressBehindANat) {
  AgentWire wire(4, {}, server_options(), camera_options());
  wire.b.nat[address("198.51.100.7:5000")] = address("203.0.113.50:61234");
  wire.introduce();
  wire.run_until(seconds(3));
  ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U);
  ASSERT_EQ(wire.b.count<Agent::Connected>(), 1U);
  EXPECT_EQ(wire.a.agent->selected_flow()->remote, address("203.0.113.50:61234"));
  EXPECT_TRUE(wire.a.agent->is_known_flow({address("192.0.2.1:8443"), address("203.0.113.50:61234")}));
  EXPECT_FALSE(wire.a.agent->is_known_flow({address("192.0.2.1:8443"), address("203.0.113.50:61235")}));
}

// The server advertises an address that is not its own (--advertise-ip): the one on the wire is another.
TEST(Agent, LearnsItsOwnAddressBehindAOneToOneNat) {
  AgentWire wire(5, {}, options_at({"203.0.113.1:8443"}, true), camera_options());
  wire.a.nat[address("10.0.0.5:8443")] = address("203.0.113.1:8443");
  wire.introduce();
  wire.run_until(seconds(3));
  ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U);
  ASSERT_EQ(wire.b.count<Agent::Connected>(), 1U);
  EXPECT_EQ(wire.a.agent->selected_flow()->local, address("10.0.0.5:8443"));
  EXPECT_EQ(wire.b.agent->selected_flow()->remote, address("203.0.113.1:8443"));
}

// A camera that may only open TCP connections, and a server that waits for them.
TEST(Agent, ConnectsOverTcpWhereUdpIsBlocked) {
  AgentOptions server = server_options();
  server.local_tcp_addresses = {address("192.0.2.1:8444")};
  AgentWire wire(6, {}, server, camera_options());
  wire.tcp = {address("192.0.2.1:8444")};
  std::size_t unasked = 0;
  wire.blocked = [&](const base::Transmit& out) {
    const bool on_tcp = out.flow.local.port == 8444 || out.flow.remote.port == 8444;
    const bool is_open = wire.a.agent->stats().requests_received > 0;
    unasked += out.flow.transport == base::Transport::Tcp && !is_open ? 1 : 0;
    return !on_tcp;
  };
  wire.introduce();
  wire.b.agent->add_remote_candidate(wire.now(), Candidate{"2", 1, address("192.0.2.1:8444")});
  wire.run_until(seconds(40));
  ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U);
  ASSERT_EQ(wire.b.count<Agent::Connected>(), 1U);
  const base::Flow expected{address("192.0.2.1:8444"), address("198.51.100.7:5000"), base::Transport::Tcp};
  EXPECT_EQ(wire.a.agent->selected_flow(), expected);
  EXPECT_EQ(unasked, 0U) << "a passive candidate cannot connect by itself";
  EXPECT_EQ(wire.a.count<Agent::ConsentLost>(), 0U);
  EXPECT_TRUE(wire.a.agent->is_known_flow(expected));
  EXPECT_FALSE(wire.a.agent->is_known_flow({expected.local, expected.remote})) << "UDP between the same addresses";
}

TEST(Agent, PrefersUdpThatAnswersALittleLaterThanTcp) {
  AgentOptions server = server_options();
  server.local_tcp_addresses = {address("192.0.2.1:8444")};
  AgentWire wire(7, {}, server, camera_options());
  wire.tcp = {address("192.0.2.1:8444")};
  wire.blocked = [&](const base::Transmit& out) {
    const bool on_tcp = out.flow.local.port == 8444 || out.flow.remote.port == 8444;
    return !on_tcp && wire.now() < at(milliseconds(300));
  };
  wire.introduce();
  wire.b.agent->add_remote_candidate(wire.now(), Candidate{"2", 1, address("192.0.2.1:8444")});
  wire.run_until(seconds(5));
  ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U);
  EXPECT_EQ(wire.a.agent->selected_flow()->transport, base::Transport::Udp);
}

TEST(Agent, SettlesRoleConflictsInBothRoles) {
  for (const bool both_control : {true, false}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      AgentOptions a = server_options();
      AgentOptions b = camera_options();
      a.controlling = b.controlling = both_control;
      AgentWire wire(seed, {.delay = milliseconds(10), .jitter = milliseconds(30), .loss = 0.1}, a, b);
      wire.introduce();
      wire.run_until(seconds(15));
      ASSERT_EQ(wire.a.count<Agent::Connected>(), 1U) << both_control << seed;
      ASSERT_EQ(wire.b.count<Agent::Connected>(), 1U) << both_control << seed;
      ASSERT_NE(wire.a.agent->is_controlling(), wire.b.agent->is_controlling());
      EXPECT_GT(wire.a.agent->stats().role_conflicts + wire.b.agent->stats().role_conflicts, 0U);
    }
  }
}

TEST(Agent, KeepsConsentForAnHourAtOneCheckInFiveSeconds) {
  AgentWire wire(6, {.delay = milliseconds(20), .loss = 0.05}, server_options(), camera_options());
  wire.introduce();
  wire.run_until(seconds(5));
  const auto sent = wire.a.agent->stats().checks_sent;
  wire.run_until(seconds(3605));
  EXPECT_EQ(wire.a.count<Agent::ConsentLost>(), 0U);
  EXPECT_EQ(wire.b.count<Agent::ConsentLost>(), 0U);
  EXPECT_NEAR(static_cast<double>(wire.a.agent->stats().checks_sent - sent), 720, 20);
}

TEST(Agent, LosesConsentAfterThirtySecondsOfSilence) {
  AgentWire wire(7, {}, server_options(), camera_options());
  wire.introduce();
  wire.run_until(seconds(100));
  EXPECT_EQ(wire.a.count<Agent::ConsentLost>(), 0U);
  wire.blocked = [](const auto&) { return true; };
  wire.run_until(seconds(122));
  EXPECT_EQ(wire.a.count<Agent::ConsentLost>(), 0U);
  wire.run_until(seconds(131));
  EXPECT_EQ(wire.a.count<Agent::ConsentLost>(), 1U);
  EXPECT_EQ(wire.b.count<Agent::ConsentLost>(), 1U);
  EXPECT_FALSE(wire.a.agent->selected_flow());
  EXPECT_EQ(wire.a.agent->next_timeout(), base::kNever);
  EXPECT_EQ(wire.a.count<Agent::Failed>(), 0U);
}

// The other side has its answer and checks no more: we have to begin anew ourselves, and not spin until then. Its
// answer is old when it is nominated at last; its consent counts from there.
TEST(Agent, ConnectsAfterANominationThatNobodyHeard) {
  static constexpr std::array<std::uint8_t, 4> kUseCandidate = {0x00, 0x25, 0x00, 0x00};
  AgentWire wire(21, {}, server_options(), camera_options());
  wire.blocked = [](const base::Transmit& out) { return !std::ranges::search(out.payload, kUseCandidate).empty(); };
  wire.introduce();
  wire.run_until(seconds(25));  // six sends take 6.5 s
  ASSERT_EQ(wire.a.count<Agent::Connected>(), 0U);
  ASSERT_LT(wire.a.sent, 100U);
  wire.blocked = [](const auto&) { return false; };
  wire.run_until(seconds(28));
  EXPECT_EQ(wire.a.count<Agent::Connected>(), 1U);
  EXPECT_EQ(wire.b.count<Agent::Connected>(), 1U);
  wire.run_until(seconds(60));
  EXPECT_EQ(wire.a.count<Agent::ConsentLost>() + wire.b.count<Agent::ConsentLost>(), 0U);
}

// The camera's NAT forgets its mapping: from then on its packets come from another port, and the old one is dead.
TEST(Agent, FollowsARemoteWhoseAddressChanged) {
  AgentWire wire(8, {}, server_options(), camera_options());
  wire.b.nat[address("198.51.100.7:5000")] = address("203.0.113.50:1111");
  wire.introduce();
  wire.run_until(seconds(10));
  ASSERT_EQ(wire.a.agent->selected_flow()->remote, address("203.0.113.50:1111"));
  wire.b.nat[address("198.51.100.7:5000")] = address("203.0.113.50:2222");
  wire.run_until(seconds(20));
  ASSERT_EQ(wire.a.count<Agent::SelectedFlowChanged>(), 1U);
  EXPECT_EQ(wire.a.agent->selected_flow()->remote, address("203.0.113.50:2222"));
  EXPECT_LT(*wire.a.time_of<Agent::SelectedFlowChanged>(), seconds(18))
      << "the next consent check of the camera plus 1.3 s";
  wire.run_until(seconds(200));
  EXPECT_EQ(wire.a.count<Agent::SelectedFlowChanged>(), 1U);
  EXPECT_EQ(wire.a.count<Agent::ConsentLost>() + wire.b.count<Agent::ConsentLost>(), 0U);
}

// The same with media, which shows the new address at once: nobody waits for the camera's next check.
TEST(Agent, FollowsMediaThatComesFromElsewhere) {
  AgentWire wire(8, {}, server_options(), camera_options());
  wire.b.nat[address("198.51.100.7:5000")] = address("203.0.113.50:1111");
  wire.introduce();
  wire.run_until(seconds(10));
  const base::SocketAddress old = address("203.0.113.50:1111");
  const base::SocketAddress fresh = address("203.0.113.50:2222");
  wire.b.nat[address("198.51.100.7:5000")] = fresh;
  for (int i = 1; i <= 100; ++i) {
    wire.run_until(seconds(10) + i * milliseconds(20));
    const auto selected = wire.a.agent->selected_flow();
    wire.a.agent->note_traffic(wire.now(), {address("192.0.2.1:8443"), fresh});
    EXPECT_EQ(wire.a.agent->selected_flow(), selected) << "not before the camera has answered from there";
    wire.drain();
    if (i == 1) EXPECT_EQ(selected->remote, old);
  }
  ASSERT_EQ(wire.a.count<Agent::SelectedFlowChanged>(), 1U);
  EXPECT_EQ(wire.a.agent->selected_flow()->remote, fresh);
  EXPECT_LT(*wire.a.time_of<Agent::SelectedFlowChanged>(), seconds(10) + milliseconds(900));
}

// Somebody sends copies of the camera's packets on, first, from addresses that never answer: five checks a second in
// all, none repeated by itself, nothing selected, and the table of pairs stays small.
TEST(Agent, SendsLittleToWhereOnlyMediaComesFrom) {
  AgentWire wire(8, {}, server_options(), camera_options());
  wire.b.nat[address("198.51.100.7:5000")] = address("203.0.113.50:1111");
  wire.introduce();
  wire.run_until(seconds(10));
  std::map<base::SocketAddress, int> sent;
  wire.blocked = [&](const base::Transmit& transmit) {
    ++sent[transmit.flow.remote];
    return false;
  };
  const auto selected = wire.a.agent->selected_flow();
  for (int i = 0; i < 1000; ++i) {
    wire.run_until(seconds(10) + i * milliseconds(10));
    base::SocketAddress stranger = address("203.0.113.66:1000");
    stranger.port = static_cast<std::uint16_t>(stranger.port + i);
    wire.a.agent->note_traffic(wire.now(), *selected);
    wire.a.agent->note_traffic(wire.now(), {address("192.0.2.1:8443"), stranger});
    wire.drain();
  }
  wire.run_until(seconds(40));
  int checks = 0;
  for (const auto& [to, count] : sent) {
    if (to.ip != address("203.0.113.66:1").ip) continue;
    EXPECT_EQ(count, 1);
    checks += count;
  }
  EXPECT_GE(checks, 45);
  EXPECT_LE(checks, 51);
  EXPECT_EQ(wire.a.agent->selected_flow(), selected);
  EXPECT_LE(wire.a.agent->pairs().size(), 100U);
}

// A second path that is merely alive must not draw the traffic away from the first.
TEST(Agent, StaysWhereItIsWhileTheSelectedPairAnswers) {
  AgentWire wire(9, {}, server_options(), options_at({"198.51.100.7:5000", "198.51.100.8:5000"}, false));
  wire.introduce();
  wire.run_until(seconds(10));
  const auto selected = wire.a.agent->selected_flow();
  for (int i = 0; i < 100; ++i) {
    wire.a.agent->note_traffic(wire.now(), {address("192.0.2.1:8443"), address("198.51.100.8:5000")});
    wire.run_until(seconds(10) + i * milliseconds(100));
  }
  EXPECT_EQ(wire.a.agent->selected_flow(), selected);
  EXPECT_EQ(wire.a.count<Agent::SelectedFlowChanged>(), 0U);
}

TEST(Agent, SaysInPlainWordsWhyItFailed) {
  {
    AgentWire wire(10, {}, server_options(), camera_options());
    wire.blocked = [](const auto&) { return true; };
    wire.introduce();
    wire.run_until(seconds(40));
    ASSERT_EQ(wire.a.count<Agent::Failed>(), 1U);
    EXPECT_EQ(std::get<Agent::Failed>(wire.a.events.at(0)).reason,
              "no candidate pair answered: 1 pairs tried: 192.0.2.1:8443 to 198.51.100.7:5000");
    EXPECT_EQ(*wire.a.time_of<Agent::Failed>(), seconds(30));
    EXPECT_EQ(wire.a.agent->next_timeout(), base::kNever);
    const std::vector<PairReport> pairs = wire.a.agent->pairs();
    ASSERT_EQ(pairs.size(), 1U);
    EXPECT_FALSE(pairs[0].answered || pairs[0].heard_request || pairs[0].selected);
    // At 0, 250, 750 and 1750 ms, from there every 1.6 s until 30 s.
    EXPECT_EQ(pairs[0].checks_sent, 4U + (30'000U - 1'750U) / 1'600U);
  }
  {
    AgentWire wire(11, {}, server_options(), camera_options());
    wire.a.agent->set_remote_credentials(wire.now(), wire.b.agent->local_credentials());
    wire.a.agent->add_remote_candidate(wire.now(), "candidate:1 1 udp 5 8fe8a-12.local 5000 typ host");
    wire.a.agent->add_remote_candidate(wire.now(), "candidate:1 1 tcp 5 10.0.0.1 9 typ host tcptype active");
    wire.run_until(seconds(40));
    ASSERT_EQ(wire.a.count<Agent::Failed>(), 1U);
    EXPECT_EQ(std::get<Agent::Failed>(wire.a.events.at(0)).reason,
              "the remote named no address that could be tried; 2 remote candidates were host names, TCP or malformed");
  }
  {
    AgentWire wire(12, {}, server_options(), camera_options());
    wire.run_until(seconds(40));
    EXPECT_EQ(std::get<Agent::Failed>(wire.a.events.at(0)).reason, "the remote's answer never came");
  }
}

TEST(Agent, DropsAndCountsWrongPasswords) {
  AgentWire wire(13, {}, server_options(), camera_options());
  Credentials wrong = wire.a.agent->local_credentials();
  wrong.password.back() = wrong.password.back() == 'x' ? 'y' : 'x';
  wire.b.agent->set_remote_credentials(wire.now(), wrong);
  for (const auto& candidate : wire.a.agent->local_candidates())
    wire.b.agent->add_remote_candidate(wire.now(), candidate);
  wire.a.agent->set_remote_credentials(wire.now(), wire.b.agent->local_credentials());
  wire.run_until(seconds(31));
  EXPECT_GT(wire.a.agent->stats().wrong_password, 0U);
  EXPECT_EQ(wire.a.agent->stats().requests_received, 0U);
  EXPECT_EQ(wire.a.sent, 0U) << "somebody without the password gets no answer and teaches no address";
  EXPECT_EQ(wire.a.count<Agent::Connected>() + wire.b.count<Agent::Connected>(), 0U);
  EXPECT_EQ(wire.b.count<Agent::Failed>(), 1U);
}

TEST(Agent, SurvivesGarbage) {
  AgentWire wire(14, {}, server_options(), camera_options());
  wire.introduce();
  wire.run_until(seconds(1));
  base::SeededRandom random(99);
  const base::Flow flow{address("192.0.2.1:8443"), address("198.51.100.66:1")};
  for (int i = 0; i < 5000; ++i) {
    base::Bytes bytes(random.below(120));
    random.fill(bytes);
    if (bytes.size() >= 20 && i % 2 == 0) {  // well-formed header, random attributes
      StunMessage message;
      message.kind = static_cast<StunClass>(random.below(4));
      const base::Bytes sound = write_stun(message, {});
      std::copy_n(sound.begin(), 8, bytes.begin());
      bytes.resize(bytes.size() / 4 * 4);
      base::ByteWriter(bytes).patch(2, bytes.size() - 20, 2);
    }
    wire.inject(wire.a, flow, bytes);
  }
  const AgentStats& stats = wire.a.agent->stats();
  EXPECT_GT(stats.not_stun, 2000U);
  EXPECT_GT(stats.wrong_username + stats.unknown_transaction + stats.indications_received, 0U);
  wire.run_until(seconds(60));
  EXPECT_TRUE(wire.a.agent->selected_flow());
}

TEST(Agent, AnswersUnknownRequiredAttributesWith420) {
  AgentWire wire(15, {}, server_options(), camera_options());
  const Credentials& local = wire.a.agent->local_credentials();
  StunMessage request;
  request.username = local.ufrag + ":x";
  request.priority = 1;
  base::Bytes bytes = write_stun(request, {});
  bytes.resize(bytes.size() - 8);
  base::ByteWriter writer(bytes);
  writer.u32(0x7ffe0000);
  writer.patch(2, bytes.size() - 20, 2);
  // Signed by hand, because write_stun() never writes an attribute it does not know.
  StunMessage bare;
  bare.username = request.username;
  wire.inject(wire.a, {address("192.0.2.1:8443"), address("198.51.100.7:1")}, bytes);
  EXPECT_EQ(wire.a.agent->stats().wrong_password, 1U) << "an unsigned request gets nothing, whatever it carries";
  EXPECT_EQ(wire.a.sent, 0U);

  wire.inject(wire.a, {address("192.0.2.1:8443"), address("198.51.100.7:1")}, write_stun(bare, local.password));
  EXPECT_EQ(wire.a.agent->stats().bad_request, 1U) << "no PRIORITY";
  EXPECT_EQ(wire.a.sent, 1U);
}

TEST(Agent, BoundsWhatAHostileAnswerCosts) {
  AgentWire wire(16, {}, options_at({"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"}, true), camera_options());
  wire.a.agent->set_remote_credentials(wire.now(), wire.b.agent->local_credentials());
  for (int i = 0; i < 5000; ++i)
    wire.a.agent->add_remote_candidate(wire.now(), "candidate:1 1 udp 5 10.0." + std::to_string(i / 250) + "." +
                                                       std::to_string(i % 250) + " 5 typ host");
  wire.run_until(seconds(35));
  EXPECT_GT(wire.a.agent->stats().candidates_dropped, 4900U);
  EXPECT_LT(wire.a.sent, 3000U);
}

TEST(Agent, FollowsARemoteThatWandersForHours) {
  AgentWire wire(17, {}, server_options(), camera_options());
  wire.b.nat[address("198.51.100.7:5000")] = address("203.0.113.50:1000");
  wire.introduce();
  wire.run_until(seconds(10));
  for (int i = 1; i < 150; ++i) {
    wire.b.nat[address("198.51.100.7:5000")].port = static_cast<std::uint16_t>(1000 + i);
    wire.run_until(seconds(10 + 15 * i));
    ASSERT_EQ(wire.a.agent->selected_flow()->remote.port, 1000 + i);
  }
}

}  // namespace
}  // namespace webrtc::ice
