// SPDX-License-Identifier: Apache-2.0
// The RTCP that rtp::Session sends: reports, requests for repair, and what tells the sender how fast it may go.
#include <algorithm>
#include <utility>

#include "rtp/session_impl.hpp"

namespace rtp {

void Session::Impl::handle_report_blocks(base::Instant now, const std::vector<ReportBlock>& blocks) {
  for (const ReportBlock& block : blocks) {
    if (forwarder_) forwarder_->handle_report(block);
    if (block.last_sender_report == 0) continue;
    for (const SentReport& sent : sent_reports_) {
      if (sent.middle_of_ntp != block.last_sender_report) continue;
      const auto delay =
          std::chrono::microseconds(std::int64_t{block.delay_since_last_sender_report} * 1'000'000 / 65536);
      stats_.round_trip = std::max<base::Duration>(now - sent.at - delay, base::Duration(0));
    }
  }
}

std::uint32_t Session::Impl::own_ssrc() const {
  if (forwarder_) return forwarder_->options().ssrc;
  return senders_.empty() ? options_.feedback_ssrc : senders_.front().options().ssrc;
}

// An SR for each sender that has sent, else an RR; the report blocks go with the first; then SDES, as RFC 3550 6.1
// asks of every compound packet.
void Session::Impl::write_reports(base::Instant now, base::Bytes& datagram) {
  std::vector<ReportBlock> blocks;
  for (Receiver& receiver : receivers_) {
    if (auto block = receiver.take_report(now)) blocks.push_back(*block);
  }
  bool reported = false;
  const auto add = [&](std::optional<SenderReport> report) {
    if (!report) return;
    report->reports = std::exchange(blocks, {});
    sent_reports_[next_sent_report_++ % sent_reports_.size()] = {middle_of_ntp(report->ntp), now};
    write_rtcp(datagram, *std::move(report));
    reported = true;
  };
  if (forwarder_) add(forwarder_->make_report(now));
  for (const Sender& sender : senders_) add(sender.make_report(now));
  if (!reported) write_rtcp(datagram, ReceiverReport{own_ssrc(), std::move(blocks)});
  write_rtcp(datagram, SourceDescription{own_ssrc(), options_.cname});
}

void Session::Impl::send_reports(base::Instant now) {
  OutgoingPacket packet{true, take_buffer()};
  write_reports(now, packet.bytes);
  packets_.push_back(std::move(packet));
}

void Session::Impl::append_remb(base::Instant now, std::vector<RtcpPacket>& due) {
  ReceiverEstimatedBitrate remb{own_ssrc(), estimate_.bits_per_second(), {}};
  BitrateEstimate::Totals totals;
  for (Receiver& receiver : receivers_) {
    if (const auto ssrc = receiver.ssrc()) remb.ssrcs.push_back(*ssrc);
    const auto [expected, received] = receiver.reception();
    totals.expected += expected;
    totals.received += received;
  }
  if (remb.ssrcs.empty()) return;
  estimate_.update(now, totals);
  if (now < estimate_.next_send()) return;
  remb.bits_per_second = estimate_.bits_per_second();
  stats_.remb_bits_per_second = remb.bits_per_second;
  due.emplace_back(std::move(remb));
  estimate_.sent(now);
}

std::vector<RtcpPacket> Session::Impl::due_feedback(base::Instant now) {
  std::vector<RtcpPacket> due;
  for (Receiver& receiver : receivers_) receiver.take_feedback(now, own_ssrc(), due);
  if (options_.remb) append_remb(now, due);
  return due;
}

void Session::Impl::send_feedback(base::Instant now) {
  const auto send = [&](std::span<const RtcpPacket> due) {
    OutgoingPacket packet{true, take_buffer()};
    if (!options_.reduced_size) write_reports(now, packet.bytes);
    for (const RtcpPacket& one : due) write_rtcp(packet.bytes, one);
    packets_.push_back(std::move(packet));
  };
  if (const std::vector<RtcpPacket> due = due_feedback(now); !due.empty()) send(due);
  if (now < next_transport_feedback_) return;
  // Transport feedback may end in padding, which only the last packet of a datagram may have.
  while (arrivals_.has_news()) {
    auto feedback = arrivals_.take(own_ssrc());
    if (!feedback) break;
    const RtcpPacket one = *std::move(feedback);
    send({&one, 1});
  }
  next_transport_feedback_ = base::kNever;
}

}  // namespace rtp
