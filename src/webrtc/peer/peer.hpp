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
#include "webrtc/srtp/open_batch.hpp"

namespace webrtc {

using OpenBatch = srtp::OpenBatch;

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

  // The sources (SSRC) of which authentic media came, in the order in which each was first heard; good until the next
  // call. Media of theirs on a flow that nobody knows may be this peer's, whose address changed: hand it over, and if
  // it was authentic, has_path() holds for its flow from then on.
  std::span<const std::uint32_t> media_sources() const;
  // Something authentic came on this flow, or it is one of those that connectivity checks try.
  bool has_path(const base::Flow& flow) const;

  // One batch per tick: all datagrams of this peer that waited. Payloads are decrypted in place.
  void handle_datagrams(base::Instant now, std::span<base::Datagram> datagrams);
  void handle_datagram(base::Instant now, base::Datagram datagram);
  // The same in steps, for an owner of many peers: sort_datagrams() of each with one batch, the batch's open(), then
  // take_opened() of each. The datagrams stay where they are until then; nothing else is called on the peer between.
  void sort_datagrams(base::Instant now, std::span<base::Datagram> datagrams, OpenBatch& batch);
  void take_opened(base::Instant now, const OpenBatch& batch);
  // Fetches into the cache what those look at: with many peers each finds its memory cold. In kPrefetchSteps steps,
  // each of which reads what the one before it fetched: take a step with many peers, then the next.
  static constexpr int kPrefetchSteps = 4;
  void prefetch(int step) const;
  // The same for what take_opened() looks at, once the batch is opened.
  static constexpr int kMediaPrefetchSteps = 4;
  void prefetch_media(int step, const OpenBatch& batch) const;
  // The same for what send_prepared() looks at, in four steps.
  void prefetch_to_send(int step, MediaKind kind) const;
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
  // The same with frame `index` of PeerOptions::prepared_video or prepared_audio; the packets leave together, by
  // poll_burst(). Nothing follows by itself: end_of_media() says that this was the last one.
  void send_prepared(base::Instant now, MediaKind kind, std::size_t index, std::uint32_t rtp_timestamp,
                     base::WallTime capture);
  void end_of_media(base::Instant now);
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

  // As rtp::Receiver::fill_history(), for PeerOptions::video_history.
  bool fill_video_history(base::Instant now, std::span<const rtp::EarlierFrame> frames);

  // From here to resume() media is opened, for the sake of SRTP's rollover counters, and dropped, and nothing is asked
  // for again; checks, DTLS and RTCP go on. A packet now and then is enough: the owner may leave the others out before.
  void rest(base::Instant now);
  // Media is taken again; pictures go on with a key frame, which is asked for.
  void resume(base::Instant now);
  // As rtp::Session::ask_for_share().
  void ask_for_share(base::Instant now, double share);

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
