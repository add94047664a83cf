// SPDX-License-Identifier: Apache-2.0
#include "sessions/media_port.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "net/interfaces.hpp"
#include "webrtc/peer/first_packet.hpp"

namespace sessions {

PortPeer::PortPeer(MediaPort& port, PeerOwner& owner, base::Instant now, base::Random& random,
                   webrtc::PeerOptions options)
    : port_(port), owner_(owner), peer_(now, random, port.with_tcp(std::move(options))), ufrag_(peer_.local_ufrag()) {
  port_.add(*this);
}

PortPeer::~PortPeer() {
  port_.remove(*this);
}

void PortPeer::pump(base::Instant now) {
  send_pending();
  // Events wait for the timer's turn, so that the owner is never called from within its own call.
  port_.deadlines_.erase({deadline_, this});
  deadline_ = now;
  port_.deadlines_.emplace(deadline_, this);
  port_.timer_.arm(port_.deadlines_.begin()->first);
}

void PortPeer::flush() {
  send_pending();
  port_.schedule(*this);
}

void PortPeer::send_pending() {
  while (auto burst = peer_.poll_burst()) port_.send(*std::move(burst));
  while (auto transmit = peer_.poll_transmit()) port_.send(*std::move(transmit));
}

base::Result<std::unique_ptr<MediaPort>> MediaPort::open(async::Shard& shard, base::SocketAddress listen) {
  std::unique_ptr<MediaPort> port(new MediaPort(shard));
  net::UdpPortOptions options;
  options.listen = listen;
  TRY(port->udp_, net::UdpPort::open(shard, options, [raw = port.get()](base::Instant now, auto datagrams) {
        raw->receive(now, datagrams);
      }));
  for (const base::IpAddress& address : net::local_addresses()) port->own_addresses_.insert(address);
  return port;
}

MediaPort::MediaPort(async::Shard& shard) : shard_(shard), timer_(shard, [this] { run_timers(); }) {}

MediaPort::~MediaPort() {
  CHECK(by_ufrag_.empty() && connections_.empty());
}

bool MediaPort::takes_tcp_on(const base::IpAddress& address) const {
  if (!tcp_listen_) return false;
  const base::IpAddress& listen = tcp_listen_->ip;
  if (listen.is_unspecified()) {
    return listen.family == base::IpAddress::Family::V6 || address.family == base::IpAddress::Family::V4;
  }
  // An address that is not this machine's is forwarded to where we listen.
  return listen == address || (!address.is_loopback() && !own_addresses_.contains(address));
}

webrtc::PeerOptions MediaPort::with_tcp(webrtc::PeerOptions options) const {
  for (const base::SocketAddress& address : options.local_addresses) {
    if (takes_tcp_on(address.ip)) options.local_tcp_addresses.push_back({address.ip, tcp_listen_->port});
  }
  return options;
}

void MediaPort::add(PortPeer& peer) {
  const bool inserted = by_ufrag_.emplace(peer.ufrag_, &peer).second;
  CHECK(inserted);  // 48 random bits
  schedule(peer);
}

void MediaPort::remove(PortPeer& peer) {
  by_ufrag_.erase(peer.ufrag_);
  for (const base::Flow& flow : peer.flows_) {
    flows_.erase(flow);
    connections_.erase(flow);
  }
  deadlines_.erase({peer.deadline_, &peer});
  std::erase(touched_, &peer);
}

PortPeer* MediaPort::find_peer(const base::Datagram& datagram) {
  if (const auto it = flows_.find(datagram.flow); it != flows_.end()) return it->second;
  PortPeer* peer = find_peer_by_ufrag(datagram.payload);
  if (peer == nullptr) {
    if (auto answer = webrtc::answer_plain_stun(datagram)) {
      ++stats_.stun_answered;
      send(*std::move(answer));
    } else {
      ++stats_.unknown_flow;
    }
    return nullptr;
  }
  return add_flow(*peer, datagram.flow) ? peer : nullptr;
}

PortPeer* MediaPort::find_peer_by_ufrag(base::ByteView datagram) {
  const auto ufrag = webrtc::find_local_ufrag(datagram);
  const auto it = ufrag ? by_ufrag_.find(*ufrag) : by_ufrag_.end();
  return it == by_ufrag_.end() ? nullptr : it->second;
}

bool MediaPort::add_flow(PortPeer& peer, const base::Flow& flow) {
  if (peer.flows_.size() >= kMaxFlowsPerPeer) {
    ++stats_.flows_refused;
    return false;
  }
  peer.flows_.push_back(flow);
  flows_.emplace(flow, &peer);
  return true;
}

bool MediaPort::adopt(net::FramedArrival& arrival) {
  PortPeer* peer = find_peer_by_ufrag(arrival.first_datagram());
  if (peer == nullptr) return false;
  const base::Flow flow = arrival.flow();
  drop_connection(flow);  // one that died and whose end we have not read yet
  if (!add_flow(*peer, flow)) return true;
  connections_[flow] = std::make_unique<net::FramedConnection>(
      shard_, std::move(arrival), tcp_stats_, [this](base::Instant now, auto datagrams) { receive(now, datagrams); },
      [this, flow] { drop_connection(flow); });
  return true;
}

// A client that lost its connection makes another: its share of the flow table is for those that live.
void MediaPort::drop_connection(base::Flow flow) {
  if (connections_.erase(flow) == 0) return;
  const auto it = flows_.find(flow);
  CHECK(it != flows_.end());
  std::erase(it->second->flows_, flow);
  flows_.erase(it);
}

void MediaPort::receive(base::Instant now, std::span<base::Datagram> datagrams) {
  for (const base::Datagram& datagram : datagrams) {
    PortPeer* peer = find_peer(datagram);
    if (peer == nullptr) continue;
    if (peer->batch_.empty()) touched_.push_back(peer);
    peer->batch_.push_back(datagram);
  }
  // An owner may destroy other peers while it handles events: remove() then takes them out of `touched_`.
  while (!touched_.empty()) {
    PortPeer* peer = touched_.back();
    touched_.pop_back();
    peer->peer_.handle_datagrams(now, peer->batch_);
    peer->batch_.clear();
    drive(now, *peer);
  }
  udp_->flush();
}

void MediaPort::drive(base::Instant now, PortPeer& peer) {
  peer.send_pending();
  while (auto event = peer.peer_.poll_event()) peer.owner_.handle_peer_event(now, peer.peer_, *std::move(event));
  peer.owner_.handle_batch_end(now, peer.peer_);
  peer.send_pending();
  schedule(peer);
}

void MediaPort::schedule(PortPeer& peer) {
  const base::Instant next = peer.peer_.next_timeout();
  if (next == peer.deadline_) return;
  deadlines_.erase({peer.deadline_, &peer});
  peer.deadline_ = next;
  if (next != base::kNever) deadlines_.emplace(next, &peer);
  timer_.arm(deadlines_.empty() ? base::kNever : deadlines_.begin()->first);
}

void MediaPort::run_timers() {
  const base::Instant now = shard_.now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    PortPeer& peer = *deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    peer.deadline_ = base::kNever;
    peer.peer_.handle_timeout(now);
    drive(now, peer);
    if (peer.deadline_ <= now) break;  // a peer that is due again at once must not starve the loop
  }
  timer_.arm(deadlines_.empty() ? base::kNever : deadlines_.begin()->first);
}

// An advertised address behind a one-to-one NAT is not ours to send from: let the kernel choose.
void MediaPort::choose_source(base::Flow& flow) const {
  base::IpAddress& source = flow.local.ip;
  if (!source.is_loopback() && !own_addresses_.contains(source)) source.bytes.fill(0);
}

void MediaPort::send_over_tcp(const base::Flow& flow, base::ByteView datagram) {
  const auto it = connections_.find(flow);
  if (it == connections_.end()) {
    ++stats_.tcp_lost;
  } else {
    it->second->send(datagram);
  }
}

void MediaPort::send(base::Transmit transmit) {
  if (transmit.flow.transport == base::Transport::Tcp) return send_over_tcp(transmit.flow, transmit.payload);
  choose_source(transmit.flow);
  udp_->send(std::move(transmit));
}

void MediaPort::send(base::Burst burst) {
  if (burst.flow.transport == base::Transport::Tcp) {
    for (base::ByteView rest = burst.payload; !rest.empty();) {
      const base::ByteView datagram = rest.first(std::min(rest.size(), burst.segment));
      send_over_tcp(burst.flow, datagram);
      rest = rest.subspan(datagram.size());
    }
    return;
  }
  choose_source(burst.flow);
  udp_->send_burst(std::move(burst));
}

}  // namespace sessions
