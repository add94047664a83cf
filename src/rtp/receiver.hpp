// SPDX-License-Identifier: Apache-2.0
#pragma once
// One m-line received: packets in any order in, whole frames in order out, and the feedback that repairs losses.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/time.hpp"
#include "codecs/frame.hpp"
#include "rtp/packet.hpp"
#include "rtp/packet_history.hpp"
#include "rtp/rtcp.hpp"

namespace rtp {

// A frame without anything missing. Frames of one ssrc come in decoding order; when `ssrc` changes, the sender began
// anew and `rtp_timestamp` has no relation to the one before.
struct ReceivedFrame {
  codecs::Frame frame;
  std::int64_t rtp_timestamp = 0;  // unwrapped, in ticks of the codec's clock (H264 90 kHz, Opus 48 kHz)
  std::uint32_t ssrc = 0;
  base::Instant arrived{};  // when its first packet came
  bool after_loss = false;  // something before it was lost for good
};

// One that was handed out before; the payload is only looked at.
struct EarlierFrame {
  std::int64_t rtp_timestamp = 0;  // as in ReceivedFrame
  base::ByteView payload{};
};

struct PayloadFormat {
  std::uint8_t payload_type = 0;
  codecs::CodecId codec = codecs::CodecId::H264;
  std::optional<std::uint8_t> rtx_payload_type{};
};

struct ReceiverOptions {
  codecs::MediaKind kind = codecs::MediaKind::Video;
  std::vector<PayloadFormat> formats{};  // payload types that the answer left for this m-line
  bool nack = true;
  bool pli = true;  // video only
  // How long a missing packet is waited for. 2 s and more for recording: repair has time.
  base::Duration repair_deadline = std::chrono::milliseconds(3000);
  // Where every packet goes at once as well, in the order of arrival, for those who do not wait for repair.
  std::shared_ptr<PacketHistory> history{};
  // Where the payloads of frames come from, for an owner who gives them back there; none: each is allocated.
  std::shared_ptr<base::BufferPool> frame_buffers{};
};

struct ReceiverStats {
  std::uint64_t packets = 0;  // media packets taken, each once
  std::uint64_t bytes = 0;    // payload of those
  std::uint64_t duplicates = 0;
  std::uint64_t late = 0;        // came after they were given up
  std::uint64_t padding = 0;     // packets without payload
  std::uint64_t repaired = 0;    // came after they were asked for
  std::uint64_t lost = 0;        // given up
  std::uint64_t nacks_sent = 0;  // sequence numbers asked for, repeats included
  std::uint64_t plis_sent = 0;
  std::uint64_t malformed = 0;  // payloads that break RFC 6184, 7587 or 4588
  std::uint64_t unknown_payload_type = 0;
  std::uint64_t unexpected_ssrc = 0;
  std::uint64_t frames = 0;
  std::uint64_t key_frames = 0;
  std::uint64_t incomplete_frames = 0;  // dropped because a part was lost
  std::uint64_t key_frame_awaited = 0;  // whole frames dropped because what they refer to was lost
  std::uint64_t resyncs = 0;            // sequence numbers jumped
  // Interarrival jitter of the source (RFC 3550 6.4.1), as the last report to its sender had it; nothing before one.
  std::optional<base::Duration> jitter;
};

// Events, in the order in which things lie in the stream.
struct PacketsLost {
  std::uint64_t count = 0;
};
// Whole frames that were dropped between a loss and the key frame that comes next.
struct KeyFrameAwaited {
  std::uint64_t frames = 0;
};
struct SenderReportReceived {
  base::WallTime ntp;
  std::int64_t rtp_timestamp = 0;  // unwrapped like that of the frames of `ssrc`
  std::uint32_t ssrc = 0;
  base::Instant arrived{};
};
struct SourceEnded {  // RTCP BYE
  std::uint32_t ssrc = 0;
};
using ReceiverEvent = std::variant<ReceivedFrame, PacketsLost, KeyFrameAwaited, SenderReportReceived, SourceEnded>;

// Owned by an rtp::Session; sans-IO. Memory is bounded by the packets of one repair deadline (at most 8,192).
class Receiver {
 public:
  explicit Receiver(ReceiverOptions options);
  ~Receiver();
  Receiver(Receiver&&) noexcept;
  Receiver& operator=(Receiver&&) noexcept;

  // True when the payload type is one of this m-line's, RTX included.
  bool accepts(std::uint8_t payload_type) const;
  bool owns(std::uint32_t ssrc) const;
  void handle_packet(base::Instant now, const RtpPacket& packet);
  // What handle_packet() looks at, in two steps as Session::prefetch().
  void prefetch(int step) const;
  void handle_sender_report(base::Instant now, const SenderReport& report);
  void handle_goodbye(std::uint32_t ssrc);
  void handle_timeout(base::Instant now);
  base::Instant next_timeout() const;

  // Video: asks the sender for a key frame until one comes; a request under way absorbs further ones.
  void request_key_frame(base::Instant now);
  // Video: what came before `options.history` was wanted is put into it, cut into packets again under the numbers
  // before the next one. `frames` are those that were handed out since a key frame, which is the first, up to the
  // latest one. False, and nothing done: something is missing or under way just now (try again), or they are too many.
  bool fill_history(base::Instant now, std::span<const EarlierFrame> frames);
  // NACK and PLI that are due. `sender_ssrc` is ours.
  void take_feedback(base::Instant now, std::uint32_t sender_ssrc, std::vector<RtcpPacket>& out);
  // The block for the next SR or RR, or nothing before the first packet. Closes the reporting interval.
  std::optional<ReportBlock> take_report(base::Instant now);
  // Packets expected and received since the source began, repairs by RTX left out: what the path lost.
  std::pair<std::int64_t, std::int64_t> reception() const;
  // No more packets will come: hands out what is whole, without waiting for what is missing.
  void finish(base::Instant now);
  // Packets are left out on purpose, from here to the next that is handled: as finish(), and what is left out is
  // neither asked for nor reported as missing; pictures go on with a key frame.
  void skip(base::Instant now);

  std::optional<ReceiverEvent> poll_event();
  const ReceiverStats& stats() const;
  codecs::MediaKind kind() const;
  std::optional<std::uint32_t> ssrc() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rtp
