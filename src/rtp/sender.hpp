// SPDX-License-Identifier: Apache-2.0
#pragma once
// One m-line sent: frames in, RTP packets out; keeps what it sent to answer NACKs.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "codecs/frame.hpp"
#include "rtp/packet.hpp"
#include "rtp/packet_batch.hpp"
#include "rtp/prepared_track.hpp"
#include "rtp/rtcp.hpp"

namespace rtp {

struct SenderOptions {
  codecs::MediaKind kind = codecs::MediaKind::Video;
  std::uint8_t payload_type = 0;
  std::uint32_t clock_rate = 90000;  // 48000 for Opus
  std::uint32_t ssrc = 0;
  // With RTX (RFC 4588) repairs go out under this payload type and ssrc; without, the identical packet is repeated.
  std::optional<std::uint8_t> rtx_payload_type{};
  std::uint32_t rtx_ssrc = 0;
  std::string mid{};                     // sent as an extension when Session has an id for it
  std::size_t max_payload = 1188;        // bytes of RTP payload, so that the datagram stays below 1,280 with SRTP
  bool aggregate_parameter_sets = true;  // STAP-A; false: one packet for each NAL unit, as webrtc-sdk-c does
  std::uint16_t first_sequence = 0;      // RFC 3550 wants it random
  // Padding-only packets before the first frame: a receiver that got one of them notices that the first media packet
  // was lost. After the last frame use Session::send_padding for the same reason.
  std::uint8_t leading_padding_packets = 4;
  base::Duration keep = std::chrono::seconds(3);
  std::shared_ptr<const PreparedTrack> prepared{};  // what send_prepared() sends from
};

struct SenderStats {
  std::uint64_t frames = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // payload
  std::uint64_t retransmitted = 0;
  std::uint64_t unavailable = 0;  // asked for, but no longer (or never) kept
  std::uint64_t nacks = 0;        // sequence numbers asked for
  std::uint64_t plis = 0;         // key frames asked for
  std::uint64_t thinned = 0;      // times that a viewer was left with key frames only
};

// Header extensions of outgoing packets, and the transport-wide counter that all senders of a transport share.
struct OutgoingExtensions {
  std::uint8_t mid_id = 0;           // 0: not negotiated
  std::uint8_t transport_cc_id = 0;  // 0: not negotiated
  std::uint16_t next_transport_sequence = 0;
};

// The header of a packet that goes out with `mid` (empty: none) and the next transport-wide number, as negotiated.
void write_outgoing_header(base::Bytes& out, const RtpHeader& header, const std::string& mid,
                           OutgoingExtensions& extensions);

struct FrameToSend {
  const codecs::Frame& frame;
  std::uint32_t rtp_timestamp = 0;
  base::WallTime capture;  // goes into the sender reports
};

struct PreparedFrame {
  std::size_t index = 0;  // in SenderOptions::prepared
  std::uint32_t rtp_timestamp = 0;
  base::WallTime capture{};
};

// Owned by an rtp::Session; sans-IO. Packets are written into `out` in sending order.
class Sender {
 public:
  explicit Sender(SenderOptions options);

  void send_frame(base::Instant now, const FrameToSend& frame, OutgoingExtensions& extensions,
                  std::vector<base::Bytes>& out);
  // From the prepared track: no frame is cut, no packet kept. Repairs work as for other frames.
  void send_prepared(base::Instant now, const PreparedFrame& frame, OutgoingExtensions& extensions, PacketBatch& out);
  // What that looks at, in two steps as Session::prefetch().
  void prefetch(int step) const;
  void send_padding(base::Instant now, OutgoingExtensions& extensions, std::vector<base::Bytes>& out);
  // Repeats what is still kept.
  void handle_nack(base::Instant now, const Nack& nack, OutgoingExtensions& extensions, std::vector<base::Bytes>& out);
  void count_key_frame_request() { ++stats_.plis; }
  // Begins anew as another source: sequence numbers too, and nothing that was sent before is repeated.
  void restart(std::uint32_t ssrc);
  void change_payload_type(std::uint8_t payload_type) { options_.payload_type = payload_type; }

  // Nothing before the first frame. Report blocks are the caller's to add.
  std::optional<SenderReport> make_report(base::Instant now) const;

  const SenderOptions& options() const { return options_; }
  const SenderStats& stats() const { return stats_; }

 private:
  struct Sent {
    base::Bytes packet;  // header and payload in the clear; empty: never used
    std::size_t header_size = 0;
    base::Instant at{};
    base::Instant repeated_at{};
    bool repeated = false;
  };
  struct SentFrame {
    std::uint32_t index = 0;
    std::uint32_t timestamp = 0;
    std::uint16_t sequence = 0;            // of its first packet; the others follow
    std::uint16_t transport_sequence = 0;  // of its first packet, where negotiated
    base::Instant at{};                    // zero: never used
  };
  struct Repeat {
    std::uint16_t sequence = 0;
    base::Instant at{};
  };
  void begin(base::Instant now, OutgoingExtensions& extensions, std::vector<base::Bytes>& out);
  void write_prepared(const SentFrame& sent, std::size_t packet, OutgoingExtensions& extensions,
                      base::Bytes& out) const;
  Sent* find_sent(base::Instant now, std::uint16_t sequence, const OutgoingExtensions& extensions);
  Sent* rebuild(base::Instant now, std::uint16_t sequence, const OutgoingExtensions& extensions);
  void note_repeat(base::Instant now, std::uint16_t sequence);
  void begin_packet(std::uint32_t timestamp, OutgoingExtensions& extensions);
  void end_packet(std::vector<base::Bytes>& out);
  void packetize_h264(const codecs::Frame& frame, std::uint32_t timestamp, OutgoingExtensions& extensions,
                      std::vector<base::Bytes>& out);
  void write_aggregate(std::vector<base::ByteView>& nals, std::uint32_t timestamp, OutgoingExtensions& extensions,
                       std::vector<base::Bytes>& out);
  void write_nal(base::ByteView nal, std::uint32_t timestamp, OutgoingExtensions& extensions,
                 std::vector<base::Bytes>& out);
  void keep(base::Instant now, base::ByteView packet);
  base::Bytes make_repeat(const Sent& sent, OutgoingExtensions& extensions);

  SenderOptions options_;
  SenderStats stats_;
  std::uint16_t next_sequence_;
  std::uint16_t next_rtx_sequence_;
  std::vector<Sent> kept_;              // by sequence number modulo its size, a power of two
  std::vector<SentFrame> sent_frames_;  // of the prepared track, the newest kSentFrames
  std::array<Repeat, 16> repeats_{};    // of prepared packets, the newest
  Sent rebuilt_;
  base::Bytes current_;
  std::size_t current_header_ = 0;
  std::vector<base::ByteView> aggregate_;  // reused
  bool started_ = false;
  std::uint32_t last_timestamp_ = 0;
  base::WallTime last_capture_{};
  base::Instant last_sent_at_{};
};

}  // namespace rtp
