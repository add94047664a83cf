// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inside of rtp::Receiver; private to receiver.cpp and receive_order.cpp.

#include <bitset>
#include <memory>
#include <optional>
#include <vector>

#include "base/fifo.hpp"
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
//
// What every packet looks at comes first, side by side: with many sources each line of memory is fetched anew.
struct Source {
  Source(std::uint32_t source_ssrc, std::uint32_t clock_rate, std::int64_t first_sequence,
         std::shared_ptr<base::BufferPool> buffers)
      : ssrc(source_ssrc),
        next(first_sequence),
        highest(first_sequence - 1),
        report(ssrc, clock_rate, first_sequence),
        h264(std::move(buffers)) {}

  static constexpr std::size_t kHistory = 8192;  // sequence numbers whose arrival is remembered, for duplicates

  std::uint32_t ssrc;
  std::optional<std::uint16_t> jump;  // the sequence number after an implausible one
  bool delivered = false;             // the first packet has gone to the depacketizer: what comes before it now is late
  bool loss_pending = false;          // lost something since the last frame handed out
  std::int64_t next;
  std::int64_t highest;
  base::Instant last_packet_at{};
  SequenceUnwrapper sequences;
  TimestampUnwrapper timestamps;
  ReceptionReport report;
  MissingPackets missing;
  ReorderBuffer stored;
  H264Depacketizer h264;
  // Apart from what every packet looks at, which would have the whole of it between.
  std::unique_ptr<std::bitset<kHistory>> arrived = std::make_unique<std::bitset<kHistory>>();

  std::bitset<kHistory>::reference seen(std::int64_t sequence) {
    return (*arrived)[static_cast<std::size_t>(sequence) % kHistory];
  }
};

class Receiver::Impl {
 public:
  explicit Impl(ReceiverOptions options) : options_(std::move(options)) {}

  const PayloadFormat* find_format(std::uint8_t payload_type) const;
  void handle_packet(base::Instant now, const RtpPacket& packet);
  void prefetch(int step) const;
  void handle_sender_report(base::Instant now, const SenderReport& report);
  void handle_goodbye(std::uint32_t ssrc);
  void handle_timeout(base::Instant now);
  base::Instant next_timeout() const;
  void request_key_frame(base::Instant now);
  bool fill_history(base::Instant now, std::span<const EarlierFrame> frames);
  void take_feedback(base::Instant now, std::uint32_t sender_ssrc, std::vector<RtcpPacket>& out);
  std::optional<ReportBlock> take_report(base::Instant now);
  void finish(base::Instant now);
  void skip(base::Instant now);
  std::optional<ReceiverEvent> poll_event() { return events_.pop(); }

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
  void begin_anew(const Arrival& arrival);
  // `silence`: since the packet that came before this one.
  void accept(const Arrival& arrival, std::int64_t sequence, base::Duration silence);
  void extend_to(base::Instant now, std::int64_t sequence, base::Duration silence);
  void skip_forgotten(base::Instant now, std::int64_t sequence, base::Duration silence);
  void deliver_stored(base::Instant now);
  void deliver(base::Instant now, std::uint32_t timestamp, bool marker, base::ByteView payload, base::Instant arrived);
  void give_up_due(base::Instant now);
  void give_up_oldest(base::Instant now);
  void report_loss(base::Instant now, std::int64_t count);
  bool is_between_frames() const;
  void hand_out(base::Instant now, DepacketizedFrame& frame);
  void hand_out_all(base::Instant now);
  base::Bytes take_buffer() { return options_.frame_buffers ? options_.frame_buffers->take() : base::Bytes(); }

  // What every packet looks at comes first, as far as `source_`.
  struct Newcomer {
    std::uint32_t ssrc = 0;
    std::uint16_t next_sequence = 0;
  };
  std::optional<Newcomer> newcomer_;  // its packets came last
  // A sender report that came before the first frame, which it is told after.
  struct EarlyReport {
    SenderReport report;
    base::Instant at{};
  };
  std::unique_ptr<EarlyReport> early_report_;
  std::optional<std::uint8_t> media_payload_type_;  // of the last media packet
  bool awaiting_key_frame_ = true;                  // video only: a recording cannot start or go on without one
  base::Fifo<ReceiverEvent> events_;
  std::vector<DepacketizedFrame> frames_;  // reused
  bool skipped_ = false;                   // since the last packet
  ReceiverStats stats_;
  ReceiverOptions options_;
  std::uint64_t awaited_frames_ = 0;
  std::int64_t newest_frame_ = 0;  // the timestamp of the last one that was handed out
  // PLI.
  bool key_frame_wanted_ = false;
  base::Instant pli_due_ = base::kNever;
  base::Instant pli_sent_{};
  bool pli_ever_sent_ = false;
  std::optional<Source> source_;
  std::optional<std::uint32_t> replaced_ssrc_;  // of the source before this one
};

}  // namespace rtp
