// SPDX-License-Identifier: Apache-2.0
#pragma once
// Everything RTP of one BUNDLE transport: the receivers and senders of its m-lines, their RTCP, and the feedback that
// tells the other side how fast it may send.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "codecs/frame.hpp"
#include "rtp/forwarder.hpp"
#include "rtp/packet_batch.hpp"
#include "rtp/receiver.hpp"
#include "rtp/sender.hpp"

namespace rtp {

struct SessionOptions {
  std::vector<ReceiverOptions> receivers{};  // at most one of each kind
  std::vector<SenderOptions> senders{};      // at most one of each kind
  // Video that is sent from somebody else's packets; there is no video sender then.
  struct Forwarding {
    SenderOptions sender;
    std::shared_ptr<const PacketHistory> source;
  };
  std::optional<Forwarding> forwarding{};
  std::uint32_t feedback_ssrc = 1;  // ours, when no sender gives one
  std::string cname = "tidegate";
  // Ids from extmap lines of the answer; 0: not negotiated.
  std::uint8_t mid_extension = 0;
  std::uint8_t transport_cc_extension = 0;
  bool transport_cc = false;  // a=rtcp-fb transport-cc survived: feedback is sent for packets that carry the extension
  bool remb = true;           // a=rtcp-fb goog-remb survived
  bool reduced_size = true;   // a=rtcp-rsize survived (RFC 5506); else each datagram starts with a report and SDES
  // The bounds of what REMB tells the sender.
  std::uint64_t start_bitrate = 3'000'000;
  std::uint64_t min_bitrate = 300'000;
  std::uint64_t max_bitrate = 12'000'000;
};

// Plain bytes for the SRTP sealer.
struct OutgoingPacket {
  bool rtcp = false;
  base::Bytes bytes;
};

// Events are those of the receivers with their kind, and what the other side asks of our senders.
struct SessionEvent {
  struct KeyFrameRequested {};
  codecs::MediaKind kind = codecs::MediaKind::Video;
  std::variant<ReceivedFrame, PacketsLost, KeyFrameAwaited, SenderReportReceived, SourceEnded, KeyFrameRequested> what;
};

struct SessionStats {
  std::uint64_t malformed_rtp = 0;
  std::uint64_t malformed_rtcp = 0;
  std::uint64_t unroutable = 0;              // no m-line has the payload type
  std::uint64_t remb_bits_per_second = 0;    // told to the sender last
  std::uint64_t remb_asked = 0;              // by who receives from us, last; 0: never
  std::uint64_t remb_asked_least = 0;        // ever
  std::optional<base::Duration> round_trip;  // from the reports about our senders
  // Interarrival jitter of the video that we forward, as its receiver reported it last.
  std::optional<base::Duration> forwarded_jitter;
};

// Owned by a webrtc::Peer from the moment SRTP keys and both descriptions are known. Sans-IO: after each call drain
// poll_packet() and poll_event(), then wait until next_timeout(). One thread.
class Session {
 public:
  // `random` outlives the session.
  Session(base::Instant now, base::Random& random, SessionOptions options);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Fetches what handle_packets() looks at into the cache, in kPrefetchSteps steps, each of which reads what the one
  // before it fetched: of many sessions take a step of each, then the next.
  static constexpr int kPrefetchSteps = 4;
  void prefetch(int step, std::span<const base::ByteView> packets) const;
  // The same for send_prepared(), in three steps.
  void prefetch_to_send(int step, codecs::MediaKind kind) const;

  // One batch of opened SRTP and SRTCP payloads. The bytes may go when the call returns.
  void handle_packets(base::Instant now, std::span<const base::ByteView> packets);
  void handle_packet(base::Instant now, base::ByteView packet) { handle_packets(now, {&packet, 1}); }
  void handle_timeout(base::Instant now);
  base::Instant next_timeout() const;

  // `capture` is what sender reports map `rtp_timestamp` to. Dropped when there is no sender of this kind.
  void send_frame(base::Instant now, const codecs::Frame& frame, std::uint32_t rtp_timestamp, base::WallTime capture);
  // Appends a frame of the prepared track of this kind's sender to `out`.
  void send_prepared(base::Instant now, codecs::MediaKind kind, const PreparedFrame& frame, PacketBatch& out);
  // Appends to `out` what is fresh in the forwarded source.
  void forward(base::Instant now, PacketBatch& out);
  bool awaits_key_frame() const;
  // A packet without payload on the media ssrc. Send some after the last frame: a loss of its last packets shows only
  // when something follows.
  void send_padding(base::Instant now, codecs::MediaKind kind);
  // The sender of this kind as a camera's whose encoder begins anew. Not for what is forwarded.
  void restart_sender(codecs::MediaKind kind, std::uint32_t ssrc);
  void change_payload_type(codecs::MediaKind kind, std::uint8_t payload_type);
  void request_key_frame(base::Instant now);
  // As rtp::Receiver::fill_history(), for the video.
  bool fill_history(base::Instant now, std::span<const EarlierFrame> frames);
  // As rtp::Receiver::skip(), for all receivers.
  void skip(base::Instant now);
  // Asks the other side, by REMB, to send this share of what it sends now; 1: what the path can carry. Has no effect on
  // a side that has not agreed to REMB.
  void ask_for_share(base::Instant now, double share);
  // Sends BYE for our senders, and hands out the whole frames that still wait for older packets.
  void finish(base::Instant now);

  std::optional<OutgoingPacket> poll_packet();
  // Returns a buffer for reuse; optional.
  void recycle(base::Bytes buffer);
  std::optional<SessionEvent> poll_event();

  const ReceiverStats* receiver_stats(codecs::MediaKind kind) const;
  const SenderStats* sender_stats(codecs::MediaKind kind) const;
  SessionStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rtp
