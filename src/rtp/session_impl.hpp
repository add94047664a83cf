// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inside of rtp::Session; private to session.cpp and session_feedback.cpp.

#include <array>
#include <deque>
#include <vector>

#include "rtp/arrival_recorder.hpp"
#include "rtp/bitrate_estimate.hpp"
#include "rtp/packet.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/session.hpp"

namespace rtp {

class Session::Impl {
 public:
  Impl(base::Instant now, base::Random& random, SessionOptions options);

  void handle_packets(base::Instant now, std::span<const base::ByteView> packets);
  void handle_timeout(base::Instant now);
  base::Instant next_timeout() const;
  void send_frame(base::Instant now, const codecs::Frame& frame, std::uint32_t rtp_timestamp, base::WallTime capture);
  void send_padding(base::Instant now, codecs::MediaKind kind);
  void forward(base::Instant now, PacketBatch& out);
  void request_key_frame(base::Instant now);
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
  void handle(base::Instant, const ReceiverEstimatedBitrate&) {}
  void handle(base::Instant, const TransportFeedback&) {}
  void handle_report_blocks(base::Instant now, const std::vector<ReportBlock>& blocks);
  void handle_key_frame_request(std::uint32_t media_ssrc);
  void drain_receivers();
  void flush_rtp(std::vector<base::Bytes>& rtp);
  std::uint32_t own_ssrc() const;
  void write_reports(base::Instant now, base::Bytes& datagram);
  void send_reports(base::Instant now);
  void send_feedback(base::Instant now);
  std::vector<RtcpPacket> due_feedback(base::Instant now);
  void append_remb(base::Instant now, std::vector<RtcpPacket>& due);
  base::Bytes take_buffer();

  SessionOptions options_;
  std::vector<Receiver> receivers_;
  std::vector<Sender> senders_;
  std::optional<Forwarder> forwarder_;
  OutgoingExtensions extensions_;
  ArrivalRecorder arrivals_;
  BitrateEstimate estimate_;
  base::Instant next_report_ = base::kNever;
  base::Instant next_transport_feedback_ = base::kNever;
  std::vector<RtcpPacket> incoming_;   // reused
  std::vector<base::Bytes> outgoing_;  // reused
  struct SentReport {
    std::uint32_t middle_of_ntp = 0;
    base::Instant at{};
  };
  std::array<SentReport, 8> sent_reports_{};
  std::size_t next_sent_report_ = 0;
  std::deque<OutgoingPacket> packets_;
  std::deque<SessionEvent> events_;
  std::vector<base::Bytes> spare_;
  SessionStats stats_;
};

}  // namespace rtp
