// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inside of rtp::Session; private to session.cpp and session_feedback.cpp.

#include <array>
#include <vector>

#include "base/fifo.hpp"
#include "rtp/arrival_recorder.hpp"
#include "rtp/bitrate_estimate.hpp"
#include "rtp/packet.hpp"
#include "rtp/path_estimate.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/session.hpp"

namespace rtp {

class Session::Impl {
 public:
  // Of transport feedback while nothing is uneven: the longest interval of all, in which it is a large part of what a
  // camera costs. Whatever else is due before the next feedback goes along with this one.
  static constexpr base::Duration kCalmFeedbackInterval = std::chrono::milliseconds(250);

  Impl(base::Instant now, base::Random& random, SessionOptions options);

  void prefetch(int step, std::span<const base::ByteView> packets) const;
  void prefetch_to_send(int step, codecs::MediaKind kind) const;
  void handle_packets(base::Instant now, std::span<const base::ByteView> packets);
  void handle_timeout(base::Instant now);
  base::Instant next_timeout() const;
  void send_frame(base::Instant now, const codecs::Frame& frame, std::uint32_t rtp_timestamp, base::WallTime capture);
  void send_padding(base::Instant now, codecs::MediaKind kind);
  void send_prepared(base::Instant now, codecs::MediaKind kind, const PreparedFrame& frame, PacketBatch& out);
  void forward(base::Instant now, PacketBatch& out);
  void request_key_frame(base::Instant now);
  void skip(base::Instant now);
  void finish(base::Instant now);

  Receiver* find_receiver(codecs::MediaKind kind);
  Sender* find_sender(codecs::MediaKind kind);

 private:
  friend class Session;

  void handle_rtp(base::Instant now, base::ByteView datagram);
  void handle_rtcp(base::Instant now, base::ByteView datagram);
  void handle(base::Instant now, const SenderReport& report);
  void handle(base::Instant now, const ReceiverReport& report);
  void handle(base::Instant now, const Goodbye& bye);
  void handle(base::Instant now, const Nack& nack);
  void handle(base::Instant now, const PictureLossIndication& pli);
  void handle(base::Instant now, const FullIntraRequest& request);
  void handle(base::Instant, const SourceDescription&) {}
  void handle(base::Instant now, const ReceiverEstimatedBitrate& remb);
  void handle(base::Instant now, const TransportFeedback& feedback);
  void handle_report_blocks(base::Instant now, const std::vector<ReportBlock>& blocks);
  std::optional<base::Duration> round_trip_of(base::Instant now, const ReportBlock& block) const;
  void handle_key_frame_request(std::uint32_t media_ssrc);
  void flush_rtp(base::Instant now, std::vector<base::Bytes>& rtp);
  std::uint32_t own_ssrc() const;
  void write_reports(base::Instant now, base::Bytes& datagram);
  void send_feedback(base::Instant now, base::Instant due_by);
  void collect_remb(base::Instant now, base::Instant due_by);
  OutgoingPacket begin_rtcp(base::Instant now, bool with_reports);
  void send_transport_feedback(base::Instant now, OutgoingPacket datagram);
  std::optional<SessionEvent> poll_event();
  base::Bytes take_buffer();

  // What is remembered of a receiver, so that it need not be looked at when nothing of its own came: with many sessions
  // its memory is cold.
  struct Mark {
    base::Instant due = base::kNever;  // its next_timeout()
    bool is_due_known = false;
    bool may_have_events = false;
    bool has_source = false;
  };
  // To be called for a receiver that is called into; without a number, for all.
  void stir(std::size_t receiver) {
    marks_[receiver].is_due_known = false;
    marks_[receiver].may_have_events = true;
  }
  void stir() {
    for (std::size_t i = 0; i < marks_.size(); ++i) stir(i);
  }

  // What every packet looks at comes first, side by side.
  // The place in receivers_ of the one that takes a payload type; -1: nobody does.
  std::array<std::int8_t, 128> receiver_of_type_{};
  std::vector<Receiver> receivers_;
  mutable std::vector<Mark> marks_;  // of each
  base::Instant next_report_ = base::kNever;
  base::Instant next_transport_feedback_ = base::kNever;
  base::Instant uneven_until_;  // until then packets are not taken to come as they were sent
  ArrivalRecorder arrivals_;
  std::uint8_t feedback_extension_ = 0;  // of options_: the id of what transport feedback is sent for; 0: none is
  bool remb_ = false;                    // of options_
  base::Fifo<OutgoingPacket> packets_;
  base::Fifo<SessionEvent> events_;  // but for those that wait in the receivers
  BitrateEstimate estimate_;
  SessionOptions options_;
  std::vector<Sender> senders_;
  std::optional<Forwarder> forwarder_;
  OutgoingExtensions extensions_;
  PathEstimate path_;                       // to a viewer
  std::uint16_t noted_transport_sequence_;  // of the next packet that path_ is told of
  std::vector<RtcpPacket> incoming_;        // reused
  std::vector<RtcpPacket> due_;             // reused
  TransportFeedback feedback_;              // reused
  std::vector<base::Bytes> outgoing_;       // reused
  struct SentReport {
    std::uint32_t middle_of_ntp = 0;
    base::Instant at{};
  };
  std::array<SentReport, 8> sent_reports_{};
  std::size_t next_sent_report_ = 0;
  std::vector<base::Bytes> spare_;
  SessionStats stats_;
};

}  // namespace rtp
