// SPDX-License-Identifier: Apache-2.0
// The RTCP that rtp::Session sends: reports, requests for repair, and what tells the sender how fast it may go.
#include <algorithm>
#include <utility>

#include "rtp/reception_report.hpp"
#include "rtp/session_impl.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kReportInterval = milliseconds(1000);
// Keeps a datagram that transport feedback is added to below 1,200 bytes: so much stands before it, so many packets are
// in it (of 3 bytes at most).
constexpr std::size_t kFullEnough = 400;
constexpr std::size_t kManyDeltas = 200;
constexpr std::size_t kUsualDatagram = 192;  // reports, feedback about a quarter of a second, and what SRTCP adds

}  // namespace

void Session::Impl::handle_report_blocks(base::Instant now, const std::vector<ReportBlock>& blocks) {
  for (const ReportBlock& block : blocks) {
    const std::optional<base::Duration> round_trip = round_trip_of(now, block);
    if (round_trip) stats_.round_trip = round_trip;
    if (!forwarder_) continue;
    forwarder_->handle_report(now, block, round_trip);
    if (block.ssrc == own_ssrc()) stats_.forwarded_jitter = jitter_of(block, forwarder_->options().clock_rate);
  }
}

std::optional<base::Duration> Session::Impl::round_trip_of(base::Instant now, const ReportBlock& block) const {
  if (block.last_sender_report == 0) return std::nullopt;
  const auto sent = std::ranges::find(sent_reports_, block.last_sender_report, &SentReport::middle_of_ntp);
  if (sent == sent_reports_.end()) return std::nullopt;
  const auto delay = std::chrono::microseconds(std::int64_t{block.delay_since_last_sender_report} * 1'000'000 / 65536);
  return std::max<base::Duration>(now - sent->at - delay, base::Duration(0));
}

// Only who forwards has a use for it: a camera of ours sends what it sends.
void Session::Impl::handle(base::Instant now, const TransportFeedback& feedback) {
  if (!forwarder_) return;
  path_.handle_feedback(now, feedback);
  forwarder_->handle_feedback(now, path_);
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

OutgoingPacket Session::Impl::begin_rtcp(base::Instant now, bool with_reports) {
  OutgoingPacket datagram{true, take_buffer()};
  datagram.bytes.reserve(kUsualDatagram);
  if (with_reports || !options_.reduced_size) write_reports(now, datagram.bytes);
  return datagram;
}

// Whoever gives us frames may heed it: we encode nothing.
void Session::Impl::handle(base::Instant, const ReceiverEstimatedBitrate& remb) {
  const std::uint64_t least = stats_.remb_asked == 0 ? remb.bits_per_second : stats_.remb_asked_least;
  stats_.remb_asked = remb.bits_per_second;
  stats_.remb_asked_least = std::min(least, remb.bits_per_second);
}

void Session::Impl::collect_remb(base::Instant now, base::Instant due_by) {
  BitrateEstimate::Totals totals;
  for (Receiver& receiver : receivers_) {
    const auto [expected, received] = receiver.reception();
    totals.expected += expected;
    totals.received += received;
    totals.bytes += receiver.stats().bytes;
  }
  estimate_.update(now, totals);
  if (due_by < estimate_.next_send()) return;
  ReceiverEstimatedBitrate remb{own_ssrc(), estimate_.bits_per_second(), {}};
  for (Receiver& receiver : receivers_) {
    if (const auto ssrc = receiver.ssrc()) remb.ssrcs.push_back(*ssrc);
  }
  if (remb.ssrcs.empty()) return;
  stats_.remb_bits_per_second = remb.bits_per_second;
  due_.emplace_back(std::move(remb));
  estimate_.sent(now);
}

// What is due by then, and with transport feedback what will be soon: each datagram costs both ends more than its
// bytes.
void Session::Impl::send_feedback(base::Instant now, base::Instant due_by) {
  const bool transport = next_transport_feedback_ <= due_by;
  if (transport) due_by = now + kCalmFeedbackInterval;  // or it would fall due alone before the next feedback
  const bool report = next_report_ <= due_by;
  due_.clear();
  for (Receiver& receiver : receivers_) receiver.take_feedback(now, own_ssrc(), due_);
  if (options_.remb) collect_remb(now, due_by);
  if (transport) next_transport_feedback_ = base::kNever;
  if (!report && due_.empty() && !(transport && arrivals_.has_news())) return;
  if (report) next_report_ = std::max(next_report_, now) + kReportInterval;
  OutgoingPacket datagram = begin_rtcp(now, report);
  for (const RtcpPacket& one : due_) write_rtcp(datagram.bytes, one);
  if (transport) return send_transport_feedback(now, std::move(datagram));
  packets_.push(std::move(datagram));
}

// Transport feedback may end in padding, which only the last packet of a datagram may have.
void Session::Impl::send_transport_feedback(base::Instant now, OutgoingPacket datagram) {
  while (arrivals_.has_news() && arrivals_.take(own_ssrc(), feedback_)) {
    if (datagram.bytes.size() > kFullEnough || (feedback_.deltas.size() > kManyDeltas && !datagram.bytes.empty())) {
      packets_.push(std::move(datagram));
      datagram = begin_rtcp(now, false);
    }
    write_rtcp(datagram.bytes, feedback_);
    packets_.push(std::move(datagram));
    datagram = {true, {}};
    if (arrivals_.has_news()) datagram = begin_rtcp(now, false);
  }
  if (!datagram.bytes.empty()) packets_.push(std::move(datagram));
}

}  // namespace rtp
