// SPDX-License-Identifier: Apache-2.0
// What a media port does for every datagram and every deadline.
#include <algorithm>
#include <utility>

#include "base/prefetch.hpp"
#include "sessions/media_port.hpp"
#include "webrtc/peer/first_packet.hpp"
#include "webrtc/peer/packet_class.hpp"

namespace sessions {
namespace {

// Enough for SRTP to be opened in all lanes of the processor; few enough that what these peers look at stays in its
// cache.
constexpr std::size_t kPeersTogether = 32;
constexpr std::size_t kLookedUpAhead = 8;  // datagrams
constexpr std::uint32_t kNobody = UINT32_MAX;
// Of a peer that rests one packet in so many is taken all the same: SRTP loses count of a source after 32,768 (RFC 3711
// 3.3.1), and where the peer is now is learnt from media.
constexpr std::uint64_t kTakenWhileResting = 32;

}  // namespace

void MediaPort::receive(base::Instant now, std::span<base::Datagram> datagrams) {
  sort_by_peer(now, datagrams);
  for (std::span<Group> rest = groups_; !rest.empty();) {
    const auto together = rest.first(std::min(rest.size(), kPeersTogether));
    handle_together(now, together);
    rest = rest.subspan(together.size());
  }
  groups_.clear();
  run_due(now);
  udp_->flush();
}

// Peers in the order of their first datagram; each one's datagrams in the order in which they came.
void MediaPort::sort_by_peer(base::Instant now, std::span<const base::Datagram> datagrams) {
  ++tick_;
  group_of_.clear();
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const base::Datagram& datagram = datagrams[i];
    if (i + kLookedUpAhead < datagrams.size()) flows_.prefetch(datagrams[i + kLookedUpAhead].flow);
    const auto number = find_row(now, datagram);
    if (!number) {
      group_of_.push_back(kNobody);
      continue;
    }
    Row& row = rows_[*number];
    if (row.resting && is_left_out(row, datagram)) {
      group_of_.push_back(kNobody);
      continue;
    }
    if (std::exchange(row.tick, tick_) != tick_) {
      row.group = static_cast<std::uint32_t>(groups_.size());
      groups_.push_back({row.peer});
    }
    ++groups_[row.group].count;
    group_of_.push_back(row.group);
  }
  std::size_t begin = 0;
  for (Group& group : groups_) {
    group.begin = begin;
    begin += std::exchange(group.count, 0);
  }
  sorted_.resize(begin);
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    if (group_of_[i] == kNobody) continue;
    Group& group = groups_[group_of_[i]];
    sorted_[group.begin + group.count++] = datagrams[i];
  }
}

bool MediaPort::is_left_out(Row& row, const base::Datagram& datagram) {
  if (webrtc::classify(datagram.payload) != webrtc::PacketClass::Rtp) return false;
  return ++row.rested % kTakenWhileResting != 0;
}

std::uint64_t PortPeer::left_out() const {
  const std::uint64_t rested = port_.rows_[row_].rested;
  return rested - rested / kTakenWhileResting;
}

// An owner may destroy other peers while it handles events: remove() then takes them out of their groups.
void MediaPort::handle_together(base::Instant now, std::span<Group> groups) {
  for (const Group& group : groups) {
    if (group.peer == nullptr) continue;
    base::prefetch(group.peer, sizeof(PortPeer));
    for (const base::Datagram& datagram : std::span(sorted_).subspan(group.begin, group.count)) {
      base::prefetch(datagram.payload.data());
    }
  }
  for (int step = 0; step < webrtc::Peer::kPrefetchSteps; ++step) {
    for (const Group& group : groups) {
      if (group.peer != nullptr) group.peer->peer_.prefetch(step);
    }
  }
  for (const Group& group : groups) {
    if (group.peer == nullptr) continue;
    group.peer->peer_.sort_datagrams(now, std::span(sorted_).subspan(group.begin, group.count), batch_);
  }
  batch_.open();
  static_assert(PeerOwner::kPrefetchSteps >= webrtc::Peer::kMediaPrefetchSteps);
  for (int step = 0; step < PeerOwner::kPrefetchSteps; ++step) {
    for (const Group& group : groups) {
      if (group.peer == nullptr) continue;
      if (step < webrtc::Peer::kMediaPrefetchSteps) group.peer->peer_.prefetch_media(step, batch_);
      group.peer->owner_.prefetch(step);
      if (step == 0) deadlines_.prefetch(group.peer->row_);
    }
  }
  for (const Group& group : groups) {
    if (group.peer == nullptr) continue;
    webrtc::Peer& peer = group.peer->peer_;
    peer.take_opened(now, batch_);
    learn_from_media(*group.peer);
    if (peer.next_timeout() <= now) peer.handle_timeout(now);
    drive(now, *group.peer);
  }
  batch_.clear();
}

std::optional<std::uint32_t> MediaPort::find_row(base::Instant now, const base::Datagram& datagram) {
  if (const auto row = flows_.find(datagram.flow)) return row;
  PortPeer* peer = find_peer_by_ufrag(datagram.payload);
  if (peer == nullptr) {
    if (auto answer = webrtc::answer_plain_stun(datagram)) {
      ++stats_.stun_answered;
      send(*std::move(answer));
      return std::nullopt;
    }
    peer = find_peer_by_source(now, datagram);
    if (peer == nullptr) {
      ++stats_.unknown_flow;
      return std::nullopt;
    }
    return peer->row_;
  }
  return add_flow(*peer, datagram.flow) ? std::optional(peer->row_) : std::nullopt;
}

// The flow is not learnt from this: the SSRC is no secret, and only the peer can tell whether the packet is authentic.
PortPeer* MediaPort::find_peer_by_source(base::Instant now, const base::Datagram& datagram) {
  const auto source = webrtc::find_media_ssrc(datagram.payload);
  const auto it = source ? by_source_.find(*source) : by_source_.end();
  if (it == by_source_.end()) return nullptr;
  PortPeer& peer = *it->second;
  if (!peer.strangers_.take(now, kStrangersOfPeer) || !strangers_.take(now, kStrangers)) {
    ++stats_.strangers_refused;
    return nullptr;
  }
  ++stats_.strangers;
  if (std::ranges::find(peer.strange_flows_, datagram.flow) == peer.strange_flows_.end()) {
    peer.strange_flows_.push_back(datagram.flow);
  }
  return &peer;
}

// After a batch: new sources, and strange flows that turned out to be the peer's.
void MediaPort::learn_from_media(PortPeer& peer) {
  for (const base::Flow& flow : peer.strange_flows_) {
    if (peer.peer_.has_path(flow) && !flows_.find(flow) && add_flow(peer, flow)) ++stats_.rebound;
  }
  peer.strange_flows_.clear();
  const std::span<const std::uint32_t> sources = peer.peer_.media_sources();
  while (peer.sources_.size() < sources.size()) {
    peer.sources_.push_back(sources[peer.sources_.size()]);
    by_source_[peer.sources_.back()] = &peer;
  }
}

PortPeer* MediaPort::find_peer_by_ufrag(base::ByteView datagram) {
  const auto ufrag = webrtc::find_local_ufrag(datagram);
  const auto it = ufrag ? by_ufrag_.find(*ufrag) : by_ufrag_.end();
  return it == by_ufrag_.end() ? nullptr : it->second;
}

void MediaPort::drive(base::Instant now, PortPeer& peer) {
  while (auto event = peer.peer_.poll_event()) peer.owner_.handle_peer_event(now, peer.peer_, *std::move(event));
  peer.owner_.handle_batch_end(now, peer.peer_);
  peer.send_pending();
  deadlines_.set(peer.row_, peer.peer_.next_timeout());
}

// Runs with every tick of traffic, and by the timer where there is none.
void MediaPort::run_due(base::Instant now) {
  due_.swap(pumped_);
  deadlines_.take_due(now, due_);
  for (const std::uint32_t row : due_) {
    PortPeer* const peer = rows_[row].peer;
    if (peer == nullptr) continue;
    if (peer->peer_.next_timeout() <= now) peer->peer_.handle_timeout(now);
    drive(now, *peer);
  }
  due_.clear();
  arm_timer();
}

void MediaPort::arm_timer() {
  timer_.arm(pumped_.empty() ? deadlines_.next_wake() : base::Instant());
}

}  // namespace sessions
