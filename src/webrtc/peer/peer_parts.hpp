// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "rtp/session.hpp"
#include "webrtc/ice/agent.hpp"
#include "webrtc/peer/path_report.hpp"
#include "webrtc/peer/peer.hpp"
#include "webrtc/peer/secure_path.hpp"
#include "webrtc/peer/tail_padding.hpp"
#include "webrtc/peer/terms.hpp"
#include "webrtc/sdp/negotiation.hpp"

namespace webrtc {

// The sub-machines of a Peer and what flows between them. Each keeps its own timers and queues; this only carries.
struct Peer::Parts {
  Parts(base::Instant now, base::Random& random, PeerOptions given);

  // Negotiation (peer.cpp).
  void agree(base::Instant now, sdp::Session session);

  // Datagrams in (peer_traffic.cpp).
  void sort_datagram(base::Instant now, base::Datagram datagram);
  void handle_dtls(base::Instant now, const base::Datagram& datagram);
  void open_rtcp(base::Instant now, const base::Datagram& datagram);
  void open_rtp(base::Instant now);

  // After each call: moves events and packets between the sub-machines until all are at rest.
  void settle(base::Instant now);
  void settle_path(base::Instant now);
  void settle_security(base::Instant now);
  void settle_media(base::Instant now);
  void send_media();
  void take_media_event(rtp::SessionEvent event);
  void end(base::Instant now, Event last);
  void transmit(base::Bytes payload);
  void start_security(base::Instant now);
  base::Instant find_deadline() const;
  void forward(base::Instant now);
  void queue_run(std::span<const rtp::PacketBatch::Place> run);
  void split_bursts();
  void pad_tails(base::Instant now);
  TailPadding& tail(MediaKind kind) { return kind == MediaKind::Video ? video_tail : audio_tail; }

  // What forward() and what follows it look at comes first, side by side: with many viewers each line of memory is
  // fetched anew for each of them.
  bool over = false;
  std::optional<rtp::Session> media;  // from the keys on
  // What next_timeout() says; forgotten by settle_media(), which ends every call but forward().
  std::optional<base::Instant> deadline;
  rtp::PacketBatch forwarded;          // scratch of one forward()
  std::size_t forwarded_bytes = 0;     // of the last one: what the next may need
  std::optional<base::Flow> selected;  // the agent's flow, while it has one
  std::deque<base::Burst> bursts;

  base::Random& random;
  PeerOptions options;
  LocalSources sources;
  ice::Agent agent;
  SecurePath secure;
  std::optional<sdp::OfferOptions> offer;
  std::optional<sdp::Session> agreed;
  TailPadding video_tail, audio_tail;
  base::Instant connect_deadline = base::kNever;
  RemoteCandidates remote_candidates;
  base::Instant first_media = base::kNever;
  std::optional<base::Flow> last_dtls_flow;  // answers to DTLS go there until ICE has selected a pair

  // Scratch of one batch.
  std::vector<base::MutableByteView> sealed;
  std::vector<base::Flow> sealed_flows;
  std::vector<base::ByteView> opened;

  std::deque<base::Transmit> transmits;
  std::deque<Event> events;
  PeerStats counters;
};

}  // namespace webrtc
