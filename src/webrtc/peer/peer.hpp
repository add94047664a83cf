// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/burst.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/sans_io.hpp"
#include "codecs/frame.hpp"
#include "webrtc/peer/path_report.hpp"
#include "webrtc/peer/peer_event.hpp"
#include "webrtc/peer/peer_options.hpp"
#include "webrtc/peer/peer_stats.hpp"

namespace webrtc {

// One WebRTC connection: ICE, DTLS, SRTP, SDP and RTP joined, one BUNDLE transport, at most one video and one audio
// section. Owned by a session, on one shard. Sans-IO: drain poll_transmit() and poll_event() after every call that
// takes `now`, then sleep until next_timeout().
class Peer {
 public:
  using Event = PeerEvent;

  // `random` outlives the peer.
  Peer(base::Instant now, base::Random& random, PeerOptions options);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Offerer, once: the offer's SDP.
  std::string create_offer(base::Instant now);
  // Offerer, once. The error says in plain words what the answer lacks ("the answer offers VP8 only: offer H.264").
  base::Result<void> set_answer(base::Instant now, std::string_view sdp);
  // Answerer, once: the answer's SDP.
  base::Result<std::string> accept_offer(base::Instant now, std::string_view sdp);

  // "candidate:..." with or without "a="; the empty line ends the list. What we cannot use (TCP, .local) is ignored,
  // not an error. May be called before the description that it belongs to.
  base::Result<void> add_remote_candidate(base::Instant now, std::string_view candidate_line);
  // "candidate:..." lines, for trickling; complete from the start.
  std::vector<std::string> local_candidates() const;
  // STUN requests for this peer have the user name "<local_ufrag>:<theirs>".
  std::string_view local_ufrag() const;

  // One batch per tick: all datagrams of this peer that waited. Payloads are decrypted in place.
  void handle_datagrams(base::Instant now, std::span<base::Datagram> datagrams);
  void handle_datagram(base::Instant now, base::Datagram datagram);
  void handle_timeout(base::Instant now);
  std::optional<base::Transmit> poll_transmit();
  // Forwarded packets that the kernel can take together, for an owner that can send them so. What is not asked for here
  // comes out of poll_transmit().
  std::optional<base::Burst> poll_burst();
  std::optional<Event> poll_event();
  base::Instant next_timeout() const;

  // Sends one frame on the section of its kind. Dropped (and not counted as sent) before DtlsConnected or if the
  // section does not send. Packets without payload follow the last frame for 1.6 s, so that the loss of its packets is
  // noticed and repaired: stay that long before close(). `rtp_timestamp` runs at 90 kHz for video and 48 kHz for Opus;
  // `capture` is the wall clock of that RTP time, for sender reports.
  void send_frame(base::Instant now, MediaKind kind, const codecs::Frame& frame, std::uint32_t rtp_timestamp,
                  base::WallTime capture);
  // What cameras do without negotiating it, for tests that play one: go on from another ssrc (and forget what could be
  // repaired), or under another payload type of the answer. Nothing before DtlsConnected.
  void restart_source(MediaKind kind);
  void change_payload_type(MediaKind kind, std::uint8_t payload_type);
  // Sends what is fresh in PeerOptions::forwarded_video; nothing before DtlsConnected.
  void forward_video(base::Instant now);
  // Nothing of the forwarded video can be shown before its source's next key frame.
  bool awaits_key_frame() const;
  // Asks the sender of video for a key frame (PLI) until one comes; a request under way absorbs further ones.
  void request_key_frame(base::Instant now);

  // RTCP BYE for what we sent, then DTLS close_notify. Drain poll_transmit() a last time, and poll_event(): whole
  // frames that waited for a lost packet come out; no other event follows.
  void close(base::Instant now);

  bool connected() const;  // DtlsConnected was raised and nothing ended it
  // What was negotiated; false before both descriptions are known.
  bool receives(MediaKind kind) const;
  bool sends(MediaKind kind) const;
  // NAL units of sprop-parameter-sets in the peer's SDP (SPS, PPS): codec private bytes, not part of any frame.
  std::vector<base::Bytes> sdp_parameter_sets() const;
  PeerStats stats() const;
  PathReport path() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace webrtc
