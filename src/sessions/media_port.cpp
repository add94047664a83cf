// SPDX-License-Identifier: Apache-2.0
#include "sessions/media_port.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "net/interfaces.hpp"

namespace sessions {
namespace {

void warn_of_small_buffer(const net::UdpPortOptions& asked, const net::UdpPort::Stats& got) {
  if (got.receive_buffer_bytes >= asked.receive_buffer_bytes) return;
  base::log_warning(
      "UDP {}: the kernel grants {} KiB for datagrams that wait to be read, {} were asked for: with many cameras some "
      "will be lost; set the sysctl net.core.rmem_max={}, or give the server CAP_NET_ADMIN",
      asked.listen.text(), got.receive_buffer_bytes / 1024, asked.receive_buffer_bytes / 1024,
      asked.receive_buffer_bytes);
}

}  // namespace

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
  port_.pumped_.push_back(row_);
  port_.timer_.arm(now);
}

void PortPeer::flush() {
  send_pending();
  if (port_.deadlines_.set(row_, peer_.next_timeout())) port_.arm_timer();
}

void PortPeer::rest(base::Instant now) {
  peer_.rest(now);
  port_.rows_[row_].resting = peer_.connected();
}

void PortPeer::resume(base::Instant now) {
  port_.rows_[row_].resting = false;
  peer_.resume(now);
}

void PortPeer::send_pending() {
  while (auto burst = peer_.poll_burst()) port_.send(*std::move(burst));
  while (auto transmit = peer_.poll_transmit()) port_.send(*std::move(transmit));
}

base::Result<std::unique_ptr<MediaPort>> MediaPort::open(async::Shard& shard, base::SocketAddress listen, bool gro) {
  std::unique_ptr<MediaPort> port(new MediaPort(shard));
  net::UdpPortOptions options;
  options.listen = listen;
  options.gro = gro;
  TRY(port->udp_, net::UdpPort::open(shard, options, [raw = port.get()](base::Instant now, auto datagrams) {
        raw->receive(now, datagrams);
      }));
  warn_of_small_buffer(options, port->udp_stats());
  for (const base::IpAddress& address : net::local_addresses()) port->own_addresses_.insert(address);
  return port;
}

MediaPort::MediaPort(async::Shard& shard)
    : shard_(shard), timer_(shard, [this] { run_due(shard_.now()); }, async::Precision::Coarse) {}

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
  if (free_rows_.empty()) {
    peer.row_ = static_cast<std::uint32_t>(rows_.size());
    rows_.emplace_back();
  } else {
    peer.row_ = free_rows_.back();
    free_rows_.pop_back();
  }
  rows_[peer.row_] = {.peer = &peer};
  deadlines_.set(peer.row_, peer.peer_.next_timeout());
  arm_timer();
}

void MediaPort::remove(PortPeer& peer) {
  by_ufrag_.erase(peer.ufrag_);
  for (const base::Flow& flow : peer.flows_) {
    flows_.erase(flow);
    connections_.erase(flow);
  }
  for (const std::uint32_t source : peer.sources_) {
    const auto it = by_source_.find(source);
    if (it != by_source_.end() && it->second == &peer) by_source_.erase(it);
  }
  deadlines_.set(peer.row_, base::kNever);
  const Row& row = rows_[peer.row_];
  if (row.tick == tick_ && row.group < groups_.size()) groups_[row.group].peer = nullptr;
  rows_[peer.row_] = {};
  free_rows_.push_back(peer.row_);
}

bool MediaPort::add_flow(PortPeer& peer, const base::Flow& flow) {
  if (peer.flows_.size() >= kMaxFlowsPerPeer) {
    ++stats_.flows_refused;
    return false;
  }
  peer.flows_.push_back(flow);
  flows_.add(flow, peer.row_);
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
  const auto row = flows_.find(flow);
  CHECK(row);
  std::erase(rows_[*row].peer->flows_, flow);
  flows_.erase(flow);
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
