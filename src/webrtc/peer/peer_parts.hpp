// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "rtp/session.hpp"
#include "webrtc/ice/agent.hpp"
#include "webrtc/peer/packet_class.hpp"
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
  void sort(base::Instant now, std::span<base::Datagram> datagrams, OpenBatch& batch);
  void sort_control(base::Instant now, const base::Datagram& datagram, PacketClass kind);
  void handle_dtls(base::Instant now, const base::Datagram& datagram);
  void open_rtcp(base::Instant now, const base::Datagram& datagram);
  void take_opened(base::Instant now, const OpenBatch& batch);
  void note_paths(base::Instant now, std::span<const base::ByteView> opened);

  // After each call: moves events and packets between the sub-machines until all are at rest.
  void settle(base::Instant now);
  void settle_path(base::Instant now);
  void settle_security(base::Instant now);
  void settle_media(base::Instant now);
  void send_media();
  std::optional<Event> poll_media_event();
  void end(base::Instant now, Event last);
  void transmit(base::Bytes payload);
  void start_security(base::Instant now);
  base::Instant find_deadline() const;
  void forward(base::Instant now);
  void send_prepared(base::Instant now, MediaKind kind, const rtp::PreparedFrame& frame);
  void empty_batch();
  void seal_batch();
  void queue_run(std::span<const rtp::PacketBatch::Place> run);
  void split_bursts();
  void pad_tails(base::Instant now);
  // The first bytes of the agent are the last that a packet looks at.
  const std::uint8_t* prefetched_to() const { return reinterpret_cast<const std::uint8_t*>(&agent) + 96; }
  TailPadding& tail(MediaKind kind) { return kind == MediaKind::Video ? video_tail : audio_tail; }

  // What packets of media and forward() look at comes first, side by side: with many peers each line of memory is
  // fetched anew for each of them.
  bool over = false;
  bool stirred = false;     // this batch has STUN or DTLS, or media off the selected flow: path and keys may change
  bool dtls_waits = false;  // in `sorted`
  bool resting = false;
  std::optional<rtp::Session> media;  // from the keys on
  // What next_timeout() says; forgotten by settle_media(), which ends every call but forward().
  std::optional<base::Instant> deadline;
  base::Instant path_deadline = base::kNever;  // of agent and secure
  base::Instant first_media = base::kNever;
  std::uint64_t received = 0;  // datagrams
  // Between sort() and take_opened(): the batch, and where its RTP is in the OpenBatch.
  std::span<const base::Datagram> sorted;
  std::size_t first_sealed = 0, sealed = 0;
  std::optional<base::Flow> selected;  // the agent's flow, while it has one
  TailPadding video_tail, audio_tail;
  std::deque<base::Burst> bursts;
  std::deque<base::Transmit> transmits;
  std::deque<Event> events;
  SecurePath secure;
  ice::Agent agent;

  rtp::PacketBatch forwarded;       // scratch of one forward()
  std::size_t forwarded_bytes = 0;  // of the last one: what the next may need
  base::Random& random;
  PeerOptions options;
  LocalSources sources;
  std::optional<sdp::OfferOptions> offer;
  std::optional<sdp::Session> agreed;
  base::Instant connect_deadline = base::kNever;
  RemoteCandidates remote_candidates;
  std::optional<base::Flow> last_dtls_flow;  // answers to DTLS go there until ICE has selected a pair
  OpenBatch own_batch;                       // of an owner that hands over one peer's datagrams alone
  PeerStats counters;
};

}  // namespace webrtc
