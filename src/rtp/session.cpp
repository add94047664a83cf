// SPDX-License-Identifier: Apache-2.0
#include "rtp/session.hpp"

#include <algorithm>

#include "base/sans_io.hpp"
#include "rtp/session_impl.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kReportInterval = milliseconds(1000);
// Before a source has been heard for a while its first report goes out sooner.
constexpr base::Duration kFirstReport = milliseconds(200);
constexpr base::Duration kTransportFeedbackInterval = milliseconds(100);
constexpr std::size_t kMaxSpareBuffers = 64;

}  // namespace

Session::Impl::Impl(base::Instant now, base::Random& random, SessionOptions options)
    : options_(std::move(options)),
      estimate_(now, {options_.start_bitrate, options_.min_bitrate, options_.max_bitrate}) {
  for (ReceiverOptions& receiver : options_.receivers) receivers_.emplace_back(std::move(receiver));
  for (SenderOptions& sender : options_.senders) senders_.emplace_back(std::move(sender));
  if (options_.forwarding) forwarder_.emplace(options_.forwarding->sender, options_.forwarding->source);
  extensions_ = {options_.mid_extension, options_.transport_cc_extension, random.u16()};
}

Receiver* Session::Impl::find_receiver(codecs::MediaKind kind) {
  const auto found = std::ranges::find(receivers_, kind, &Receiver::kind);
  return found == receivers_.end() ? nullptr : &*found;
}

Sender* Session::Impl::find_sender(codecs::MediaKind kind) {
  const auto found = std::ranges::find_if(senders_, [&](const Sender& s) { return s.options().kind == kind; });
  return found == senders_.end() ? nullptr : &*found;
}

void Session::Impl::handle_packets(base::Instant now, std::span<const base::ByteView> packets) {
  for (const base::ByteView packet : packets) {
    if (is_rtcp(packet)) {
      handle_rtcp(now, packet);
    } else {
      handle_rtp(now, packet);
    }
  }
  drain_receivers();
}

void Session::Impl::handle_rtp(base::Instant now, base::ByteView datagram) {
  const auto packet = parse_rtp(datagram);
  if (!packet) {
    ++stats_.malformed_rtp;
    return;
  }
  const auto receiver =
      std::ranges::find_if(receivers_, [&](const Receiver& r) { return r.accepts(packet->header.payload_type); });
  if (receiver == receivers_.end()) {
    ++stats_.unroutable;
    return;
  }
  if (options_.transport_cc) {
    if (const auto sequence = as_u16(packet->find_extension(options_.transport_cc_extension))) {
      arrivals_.record(now, *sequence, packet->header.ssrc);
      if (next_transport_feedback_ == base::kNever) next_transport_feedback_ = now + kTransportFeedbackInterval;
    }
  }
  if (next_report_ == base::kNever) next_report_ = now + kFirstReport;
  receiver->handle_packet(now, *packet);
}

void Session::Impl::handle_rtcp(base::Instant now, base::ByteView datagram) {
  incoming_.clear();
  if (!parse_rtcp(datagram, incoming_)) ++stats_.malformed_rtcp;
  for (const RtcpPacket& packet : incoming_) {
    std::visit([&](const auto& known) { handle(now, known); }, packet);
  }
}

// A report's receiver is the one that gets its ssrc; before its first packet, the one without a source.
void Session::Impl::handle(base::Instant now, const SenderReport& report) {
  handle_report_blocks(now, report.reports);
  for (Receiver& receiver : receivers_) {
    if (receiver.owns(report.ssrc)) return receiver.handle_sender_report(now, report);
  }
  for (Receiver& receiver : receivers_) {
    if (!receiver.ssrc()) receiver.handle_sender_report(now, report);
  }
}

void Session::Impl::handle(base::Instant now, const ReceiverReport& report) {
  handle_report_blocks(now, report.reports);
}

void Session::Impl::handle(base::Instant, const Goodbye& bye) {
  for (const std::uint32_t ssrc : bye.ssrcs) {
    for (Receiver& receiver : receivers_) receiver.handle_goodbye(ssrc);
  }
}

void Session::Impl::handle(base::Instant now, const Nack& nack) {
  for (Sender& sender : senders_) {
    if (sender.options().ssrc == nack.media_ssrc) sender.handle_nack(now, nack, extensions_, outgoing_);
  }
  if (forwarder_ && forwarder_->options().ssrc == nack.media_ssrc) {
    forwarder_->handle_nack(now, nack, extensions_, outgoing_);
  }
  flush_rtp(outgoing_);
}

void Session::Impl::handle(base::Instant, const PictureLossIndication& pli) {
  handle_key_frame_request(pli.media_ssrc);
}
void Session::Impl::handle(base::Instant, const FullIntraRequest& request) {
  handle_key_frame_request(request.media_ssrc);
}

void Session::Impl::handle_key_frame_request(std::uint32_t media_ssrc) {
  if (forwarder_ && forwarder_->options().ssrc == media_ssrc) {
    forwarder_->count_key_frame_request();
    events_.push_back({codecs::MediaKind::Video, SessionEvent::KeyFrameRequested{}});
  }
  for (Sender& sender : senders_) {
    if (sender.options().ssrc != media_ssrc) continue;
    sender.count_key_frame_request();
    events_.push_back({sender.options().kind, SessionEvent::KeyFrameRequested{}});
  }
}

void Session::Impl::drain_receivers() {
  for (Receiver& receiver : receivers_) {
    while (auto event = receiver.poll_event()) {
      SessionEvent& out = events_.emplace_back();
      out.kind = receiver.kind();
      std::visit([&](auto& what) { out.what = std::move(what); }, *event);
    }
  }
}

base::Bytes Session::Impl::take_buffer() {
  if (spare_.empty()) return {};
  base::Bytes buffer = std::move(spare_.back());
  spare_.pop_back();
  buffer.clear();
  return buffer;
}

void Session::Impl::flush_rtp(std::vector<base::Bytes>& rtp) {
  for (base::Bytes& bytes : rtp) packets_.push_back({false, std::move(bytes)});
  rtp.clear();
}

void Session::Impl::handle_timeout(base::Instant now) {
  for (Receiver& receiver : receivers_) receiver.handle_timeout(now);
  drain_receivers();
  if (next_report_ <= now) {
    send_reports(now);
    next_report_ = now + kReportInterval;
  }
  send_feedback(now);
}

base::Instant Session::Impl::next_timeout() const {
  base::Instant next = std::min(next_report_, next_transport_feedback_);
  bool receiving = false;
  for (const Receiver& receiver : receivers_) {
    next = std::min(next, receiver.next_timeout());
    receiving |= receiver.ssrc().has_value();
  }
  if (options_.remb && receiving) next = std::min(next, estimate_.next_send());
  return next;
}

void Session::Impl::send_frame(base::Instant now, const codecs::Frame& frame, std::uint32_t rtp_timestamp,
                               base::WallTime capture) {
  Sender* sender = find_sender(codecs::kind_of(frame.codec));
  if (sender == nullptr) return;
  if (next_report_ == base::kNever) next_report_ = now + kFirstReport;
  sender->send_frame(now, {frame, rtp_timestamp, capture}, extensions_, outgoing_);
  flush_rtp(outgoing_);
}

void Session::Impl::send_padding(base::Instant now, codecs::MediaKind kind) {
  Sender* sender = find_sender(kind);
  if (sender == nullptr) return;
  sender->send_padding(now, extensions_, outgoing_);
  flush_rtp(outgoing_);
}

void Session::Impl::forward(base::Instant now, PacketBatch& out) {
  if (!forwarder_) return;
  if (next_report_ == base::kNever) next_report_ = now + kFirstReport;
  forwarder_->forward(now, extensions_, out);
}

void Session::Impl::request_key_frame(base::Instant now) {
  for (Receiver& receiver : receivers_) receiver.request_key_frame(now);
}

void Session::Impl::finish(base::Instant now) {
  for (Receiver& receiver : receivers_) receiver.finish(now);
  drain_receivers();
  Goodbye bye;
  for (const Sender& sender : senders_) bye.ssrcs.push_back(sender.options().ssrc);
  if (forwarder_) bye.ssrcs.push_back(forwarder_->options().ssrc);
  if (bye.ssrcs.empty()) return;
  OutgoingPacket packet{true, take_buffer()};
  write_reports(now, packet.bytes);
  write_rtcp(packet.bytes, bye);
  packets_.push_back(std::move(packet));
}

Session::Session(base::Instant now, base::Random& random, SessionOptions options)
    : impl_(std::make_unique<Impl>(now, random, std::move(options))) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::handle_packets(base::Instant now, std::span<const base::ByteView> packets) {
  impl_->handle_packets(now, packets);
}
void Session::handle_timeout(base::Instant now) {
  impl_->handle_timeout(now);
}
base::Instant Session::next_timeout() const {
  return impl_->next_timeout();
}
void Session::send_frame(base::Instant now, const codecs::Frame& frame, std::uint32_t rtp_timestamp,
                         base::WallTime capture) {
  impl_->send_frame(now, frame, rtp_timestamp, capture);
}
void Session::send_padding(base::Instant now, codecs::MediaKind kind) {
  impl_->send_padding(now, kind);
}
void Session::forward(base::Instant now, PacketBatch& out) {
  impl_->forward(now, out);
}
bool Session::awaits_key_frame() const {
  return impl_->forwarder_ && impl_->forwarder_->awaits_key_frame();
}
void Session::restart_sender(codecs::MediaKind kind, std::uint32_t ssrc) {
  if (Sender* sender = impl_->find_sender(kind)) sender->restart(ssrc);
}
void Session::change_payload_type(codecs::MediaKind kind, std::uint8_t payload_type) {
  if (Sender* sender = impl_->find_sender(kind)) sender->change_payload_type(payload_type);
}
void Session::request_key_frame(base::Instant now) {
  impl_->request_key_frame(now);
}
void Session::finish(base::Instant now) {
  impl_->finish(now);
}
std::optional<OutgoingPacket> Session::poll_packet() {
  return base::pop_front(impl_->packets_);
}
std::optional<SessionEvent> Session::poll_event() {
  return base::pop_front(impl_->events_);
}
void Session::recycle(base::Bytes buffer) {
  if (impl_->spare_.size() < kMaxSpareBuffers) impl_->spare_.push_back(std::move(buffer));
}
const ReceiverStats* Session::receiver_stats(codecs::MediaKind kind) const {
  const Receiver* receiver = impl_->find_receiver(kind);
  return receiver == nullptr ? nullptr : &receiver->stats();
}
const SenderStats* Session::sender_stats(codecs::MediaKind kind) const {
  if (kind == codecs::MediaKind::Video && impl_->forwarder_) return &impl_->forwarder_->stats();
  const Sender* sender = impl_->find_sender(kind);
  return sender == nullptr ? nullptr : &sender->stats();
}
SessionStats Session::stats() const {
  return impl_->stats_;
}

}  // namespace rtp
