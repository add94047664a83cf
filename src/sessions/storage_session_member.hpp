// SPDX-License-Identifier: Apache-2.0
#pragma once
// One WebRTC connection of a storage session; private to storage_session.cpp and storage_session_media.cpp.

#include <string>

#include "base/prefetch.hpp"
#include "sessions/storage_session.hpp"

namespace sessions {

struct StorageSession::Member final : PeerOwner {
  Member(StorageSession& owner, base::Instant now, std::string id, SessionTrace trace, webrtc::PeerOptions options)
      : session(owner),
        client_id(std::move(id)),
        port_peer(session.environment_.port, *this, now, session.environment_.random, std::move(options)),
        timeline(std::move(trace)),
        clock(client_id.empty()) {}

  void handle_peer_event(base::Instant now, webrtc::Peer&, webrtc::PeerEvent event) override {
    if (!retired) session.handle_event(now, *this, std::move(event));
  }
  void handle_batch_end(base::Instant now, webrtc::Peer&) override {
    if (!retired) session.handle_batch_end(now, *this);
  }

  void prefetch(int step) const override {
    if (step == 0) return base::prefetch(this, kLookedAt);
    session.prefetch(step - 1);
  }

  // What each packet looks at comes first: so many bytes.
  static constexpr std::size_t kLookedAt = 80;
  StorageSession& session;
  bool retired = false;  // no longer among the session's: what its peer still raises is nobody's
  bool connected = false;
  bool has_key_frame = false;                 // one of it was recorded
  std::shared_ptr<rtp::PacketHistory> sound;  // its packets, as they arrived
  const std::string client_id;                // empty: the master
  PortPeer port_peer;
  SessionTrace timeline;
  ConnectionClock clock;
  std::uint64_t sequence = 0;
  DroppedPackets counted;           // what of its drops is in the statistics already
  std::uint64_t counted_nacks = 0;  // the same of what it asked for again
  bool answered = false;
  bool in_signaling = true;  // its client's socket is open

  bool is_master() const { return client_id.empty(); }
  conference::ParticipantId conference_id() const { return static_cast<conference::ParticipantId>(sequence); }
  webrtc::Peer& peer() { return port_peer.peer(); }
};

inline streams::MediaKind to_stream_kind(webrtc::MediaKind kind) {
  return kind == webrtc::MediaKind::Video ? streams::MediaKind::Video : streams::MediaKind::Audio;
}

inline std::uint32_t clock_of(webrtc::MediaKind kind) {
  return kind == webrtc::MediaKind::Video ? 90'000 : 48'000;
}

}  // namespace sessions
