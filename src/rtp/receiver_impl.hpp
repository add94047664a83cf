// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inside of rtp::Receiver; private to receiver.cpp and receive_order.cpp.

#include <bitset>
#include <deque>
#include <optional>
#include <vector>

#include "rtp/h264_depacketizer.hpp"
#include "rtp/missing_packets.hpp"
#include "rtp/receiver.hpp"
#include "rtp/reception_report.hpp"
#include "rtp/reorder_buffer.hpp"
#include "rtp/unwrap.hpp"

namespace rtp {

// One source (ssrc) from its first packet to its last: from packets in any order to payloads in order.
//
// next_ is the sequence number that the depacketizer waits for. Behind it everything is delivered or given up; from
// next_ to highest_ a packet is either stored or missing. Without loss a packet goes straight through, uncopied.
struct Source {
  Source(std::uint32_t source_ssrc, std::uint32_t clock_rate, std::int64_t first_sequence)
      : ssrc(source_ssrc),
        next(first_sequence),
        highest(first_sequence - 1),
        report(ssrc, clock_rate, first_sequence) {}

  static constexpr std::size_t kHistory = 8192;  // sequence numbers whose arrival is remembered, for duplicates

  std::uint32_t ssrc;
  std::int64_t next;
  std::int64_t highest;
  std::bitset<kHistory> seen;
  SequenceUnwrapper sequences;
  TimestampUnwrapper timestamps;
  ReorderBuffer stored;
  MissingPackets missing;
  ReceptionReport report;
  H264Depacketizer h264;
  bool delivered = false;     // the first packet has gone to the depacketizer: what comes before it now is late
  bool loss_pending = false;  // lost something since the last frame handed out
  base::Instant last_packet_at{};
  std::optional<std::uint16_t> jump;  // the sequence number after an implausible one
};

class Receiver::Impl {
 public:
  explicit Impl(ReceiverOptions options) : options_(std::move(options)) {}

  const PayloadFormat* find_format(std::uint8_t payload_type) const;
  void handle_packet(base::Instant now, const RtpPacket& packet);
  void handle_sender_report(base::Instant now, const SenderReport& report);
  void handle_goodbye(std::uint32_t ssrc);
  void handle_timeout(base::Instant now);
  base::Instant next_timeout() const;
  void request_key_frame(base::Instant now);
  void take_feedback(base::Instant now, std::uint32_t sender_ssrc, std::vector<RtcpPacket>& out);
  std::optional<ReportBlock> take_report(base::Instant now);
  void finish(base::Instant now);
  std::optional<ReceiverEvent> poll_event() { return base::pop_front(events_); }

  bool is_video() const { return options_.kind == codecs::MediaKind::Video; }
  std::uint32_t clock_rate() const { return is_video() ? 90'000 : 48'000; }

 private:
  friend class Receiver;

  // One media packet, whether it came itself or inside RTX.
  struct Arrival {
    base::Instant now;
    const RtpHeader& header;
    base::ByteView payload;
    bool repeated = false;  // by RTX
  };
  void handle_rtx(base::Instant now, const RtpPacket& packet, std::uint8_t media_payload_type);
  bool select_source(const Arrival& arrival);
  bool is_successor(const Arrival& arrival);
  void start_source(const Arrival& arrival);
  void handle_media(const Arrival& arrival);
  void begin_earlier(const Arrival& arrival, std::int64_t sequence);
  base::Duration repair_deadline() const;
  bool is_plausible(const Arrival& arrival, std::int64_t sequence);
  void resync(const Arrival& arrival, std::int64_t distance);
  void accept(const Arrival& arrival, std::int64_t sequence);
  void extend_to(base::Instant now, std::int64_t sequence);
  void deliver_stored(base::Instant now);
  void deliver(base::Instant now, std::uint32_t timestamp, bool marker, base::ByteView payload, base::Instant arrived);
  void give_up_due(base::Instant now);
  void give_up_oldest(base::Instant now);
  void report_loss(base::Instant now, std::int64_t count);
  void hand_out(base::Instant now, DepacketizedFrame& frame);
  void hand_out_all(base::Instant now);

  std::deque<ReceiverEvent> events_;
  std::vector<DepacketizedFrame> frames_;  // reused
  std::optional<SenderReport> early_report_;
  base::Instant early_report_at_{};
  bool awaiting_key_frame_ = true;  // video only: a recording cannot start or go on without one
  std::uint64_t awaited_frames_ = 0;
  // PLI.
  bool key_frame_wanted_ = false;
  base::Instant pli_due_ = base::kNever;
  base::Instant pli_sent_{};
  bool pli_ever_sent_ = false;
  ReceiverOptions options_;
  ReceiverStats stats_;
  std::optional<Source> source_;
  struct Newcomer {
    std::uint32_t ssrc = 0;
    std::uint16_t next_sequence = 0;
  };
  std::optional<Newcomer> newcomer_;            // its packets came last
  std::optional<std::uint32_t> replaced_ssrc_;  // of the source before this one
};

}  // namespace rtp
