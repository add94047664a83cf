// SPDX-License-Identifier: Apache-2.0
#pragma once
// One WebRTC connection of a storage session; private to storage_session.cpp and storage_session_media.cpp.

#include <string>

#include "sessions/storage_session.hpp"

namespace sessions {

struct StorageSession::Member {
  Member(StorageSession& session, base::Instant now, std::string id, SessionTrace trace, webrtc::PeerOptions options)
      : client_id(std::move(id)),
        port_peer(session.environment_.port, session, now, session.environment_.random, std::move(options)),
        timeline(std::move(trace)) {}

  const std::string client_id;  // empty: the master
  PortPeer port_peer;
  SessionTrace timeline;
  std::uint64_t sequence = 0;
  DroppedPackets counted;  // what of its drops is in the statistics already
  bool answered = false;
  bool connected = false;
  std::shared_ptr<rtp::PacketHistory> sound;  // its packets, as they arrived
  bool in_signaling = true;                   // its client's socket is open

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
