// SPDX-License-Identifier: Apache-2.0
#pragma once
// One UDP port shared by all WebRTC peers of a shard, the TCP connections of those that cannot use UDP, and the loop
// that drives them.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/shard.hpp"
#include "async/timer.hpp"
#include "base/token_bucket.hpp"
#include "net/framed_tcp.hpp"
#include "net/udp_port.hpp"
#include "sessions/deadline_wheel.hpp"
#include "sessions/flow_table.hpp"
#include "webrtc/peer/peer.hpp"

namespace sessions {

class MediaPort;

// Who a peer belongs to. Called on the peer's shard, never from within a call that the owner makes into the peer. The
// peer that is being handled must not be destroyed within the call; other peers may.
class PeerOwner {
 public:
  virtual ~PeerOwner() = default;
  virtual void handle_peer_event(base::Instant now, webrtc::Peer& peer, webrtc::PeerEvent event) = 0;
  // After the last event of a batch: the moment for what is done once a tick (a key frame request, say).
  virtual void handle_batch_end(base::Instant now, webrtc::Peer& peer) = 0;
  // Before the events of many owners' peers are handed over: fetches into the cache what this one looks at then, in
  // kPrefetchSteps steps, each of which reads what the one before it fetched.
  static constexpr int kPrefetchSteps = 6;
  virtual void prefetch(int step) const = 0;
};

// A peer on a media port. The owner keeps it; destroying it removes the peer from the port.
class PortPeer {
 public:
  // `owner` and `port` outlive this. Where the port takes TCP connections, each local address of `options` becomes a
  // passive TCP candidate too.
  PortPeer(MediaPort& port, PeerOwner& owner, base::Instant now, base::Random& random, webrtc::PeerOptions options);
  ~PortPeer();
  PortPeer(const PortPeer&) = delete;
  PortPeer& operator=(const PortPeer&) = delete;

  webrtc::Peer& peer() { return peer_; }
  const webrtc::Peer& peer() const { return peer_; }
  // To be called after the owner has called into the peer: sends what it has to send and arms its timer. Its events
  // are handed over on a later turn of the loop.
  void pump(base::Instant now);
  // The same after a call that raises no event (sending).
  void flush();
  // Peer::rest() and resume(), to be followed by pump(). Meanwhile most of its media is left out before the peer is
  // looked at, so that what is left out costs little more than its reception; left_out() counts it.
  void rest(base::Instant now);
  void resume(base::Instant now);
  std::uint64_t left_out() const;

 private:
  friend class MediaPort;
  void send_pending();

  MediaPort& port_;
  PeerOwner& owner_;
  webrtc::Peer peer_;
  std::uint32_t row_ = 0;  // of the port's
  std::string ufrag_;
  std::vector<base::Flow> flows_;
  std::vector<std::uint32_t> sources_;     // by which the port finds it
  std::vector<base::Flow> strange_flows_;  // of this tick, each once
  base::TokenBucket strangers_;
};

// Lives on one shard. Routes datagrams by flow, and the first one of a flow by the STUN user name; media that comes on
// a new flow ahead of any check, since the client's NAT gave it another address, by its SSRC (docs/adr/0013). All
// datagrams of a tick are sorted by peer first, so that each peer's memory is visited once, and the peers are handled a
// few dozen at a time, so that what they look at comes into the cache together and their SRTP is opened together.
class MediaPort {
 public:
  struct Stats {
    std::uint64_t unknown_flow = 0;       // neither a known flow nor a check for a peer of ours
    std::uint64_t stun_answered = 0;      // as a plain STUN server
    std::uint64_t flows_refused = 0;      // over kMaxFlowsPerPeer
    std::uint64_t tcp_lost = 0;           // datagrams for a connection that has gone
    std::uint64_t rebound = 0;            // flows that authentic media came on before any check did
    std::uint64_t strangers = 0;          // datagrams that were tried as such media
    std::uint64_t strangers_refused = 0;  // not even tried: too many
  };
  // An unknown flow's packets with a peer's SSRC are tried by its keys, so many a second: of one peer, which is more
  // than a camera sends in a tick, and of all, a few thousandths of a core.
  static constexpr std::uint64_t kStrangersOfPeer = 500;
  static constexpr std::uint64_t kStrangers = 5000;
  // A flow is learnt from an unverified user name, so a peer's share of the table is bounded.
  static constexpr std::size_t kMaxFlowsPerPeer = 32;

  // `gro` as UdpPortOptions'.
  static base::Result<std::unique_ptr<MediaPort>> open(async::Shard& shard, base::SocketAddress listen,
                                                       bool gro = true);
  ~MediaPort();

  // Where a FramedListener takes connections for this port's peers; said before there are any.
  void set_tcp_address(base::SocketAddress listen) { tcp_listen_ = listen; }
  // True when the first datagram is for a peer of this port, which has taken the connection over if it has room.
  bool adopt(net::FramedArrival& arrival);

  base::SocketAddress local_address() const { return udp_->local_address(); }
  net::UdpPort::Stats udp_stats() const { return udp_->stats(); }
  const net::FramedConnection::Stats& tcp_stats() const { return *tcp_stats_; }
  const Stats& stats() const { return stats_; }
  async::Shard& shard() { return shard_; }

 private:
  friend class PortPeer;
  explicit MediaPort(async::Shard& shard);
  void add(PortPeer& peer);
  void remove(PortPeer& peer);

  // media_port_receive.cpp
  struct Group;
  void receive(base::Instant now, std::span<base::Datagram> datagrams);
  void sort_by_peer(base::Instant now, std::span<const base::Datagram> datagrams);
  void handle_together(base::Instant now, std::span<Group> groups);
  struct Row;
  static bool is_left_out(Row& row, const base::Datagram& datagram);
  std::optional<std::uint32_t> find_row(base::Instant now, const base::Datagram& datagram);
  PortPeer* find_peer_by_source(base::Instant now, const base::Datagram& datagram);
  void learn_from_media(PortPeer& peer);
  PortPeer* find_peer_by_ufrag(base::ByteView datagram);
  bool add_flow(PortPeer& peer, const base::Flow& flow);
  void drop_connection(base::Flow flow);
  bool takes_tcp_on(const base::IpAddress& address) const;
  webrtc::PeerOptions with_tcp(webrtc::PeerOptions options) const;
  void drive(base::Instant now, PortPeer& peer);
  void run_due(base::Instant now);
  void arm_timer();

  void send(base::Transmit transmit);
  void send(base::Burst burst);
  void send_over_tcp(const base::Flow& flow, base::ByteView datagram);
  void choose_source(base::Flow& flow) const;

  async::Shard& shard_;
  std::unique_ptr<net::UdpPort> udp_;
  std::set<base::IpAddress> own_addresses_;
  std::optional<base::SocketAddress> tcp_listen_;
  const std::shared_ptr<net::FramedConnection::Stats> tcp_stats_ = std::make_shared<net::FramedConnection::Stats>();
  // Each is among its peer's flows, and goes with it.
  std::unordered_map<base::Flow, std::unique_ptr<net::FramedConnection>> connections_;
  std::map<std::string, PortPeer*, std::less<>> by_ufrag_;
  std::unordered_map<std::uint32_t, PortPeer*> by_source_;  // SSRCs of media; of two peers the one heard last
  base::TokenBucket strangers_;

  // The peers by number: what is looked at for every datagram, close together. Numbers are used again.
  struct Row {
    PortPeer* peer = nullptr;  // null: free
    std::uint64_t tick = 0;    // the last one with datagrams of it
    std::uint32_t group = 0;   // of that tick
    bool resting = false;
    std::uint64_t rested = 0;  // packets of media that came while it rested
  };
  std::vector<Row> rows_;
  std::vector<std::uint32_t> free_rows_;
  FlowTable flows_;
  DeadlineWheel deadlines_;
  std::vector<std::uint32_t> pumped_;  // rows whose owners called into them: events wait for the timer's turn
  std::vector<std::uint32_t> due_;     // reused

  // One tick.
  struct Group {
    PortPeer* peer = nullptr;  // null: destroyed meanwhile
    std::size_t begin = 0, count = 0;
  };
  std::uint64_t tick_ = 0;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> group_of_;  // each datagram's
  std::vector<base::Datagram> sorted_;
  webrtc::OpenBatch batch_;
  async::Timer timer_;
  Stats stats_;
};

}  // namespace sessions
