// SPDX-License-Identifier: Apache-2.0
#include "rtp/session.hpp"

#include <algorithm>

#include "base/prefetch.hpp"
#include "rtp/session_impl.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

// Transport feedback at the beginning, while the sender finds out how fast it may go, and for a while after packets did
// not come in their turn; for the rest of the time there is kCalmFeedbackInterval.
constexpr base::Duration kTransportFeedbackInterval = milliseconds(100);
// About how often packets are read when there are many: reports that are due then go with them, so much too early or
// twice that too late, since to look at a session for a report alone costs as much as the packets do.
constexpr base::Duration kInAMoment = milliseconds(20);
constexpr base::Duration kWaitsForPackets = 2 * kInAMoment;
// Before a source has been heard for a while its first report goes out sooner.
constexpr base::Duration kFirstReport = milliseconds(200) - kWaitsForPackets;
constexpr base::Duration kFindsItsRate = std::chrono::seconds(10);
constexpr base::Duration kIsUneven = std::chrono::seconds(5);
constexpr std::size_t kMaxSpareBuffers = 64;

}  // namespace

Session::Impl::Impl(base::Instant now, base::Random& random, SessionOptions options)
    : uneven_until_(now + kFindsItsRate),
      estimate_(now, {options.start_bitrate, options.min_bitrate, options.max_bitrate}),
      options_(std::move(options)) {
  if (options_.transport_cc) feedback_extension_ = options_.transport_cc_extension;
  remb_ = options_.remb;
  receivers_.reserve(options_.receivers.size());
  for (ReceiverOptions& receiver : options_.receivers) receivers_.emplace_back(std::move(receiver));
  marks_.resize(receivers_.size());
  receiver_of_type_.fill(-1);
  for (std::size_t type = 0; type < receiver_of_type_.size(); ++type) {
    const auto taker = std::ranges::find_if(
        receivers_, [&](const Receiver& receiver) { return receiver.accepts(static_cast<std::uint8_t>(type)); });
    if (taker != receivers_.end()) receiver_of_type_[type] = static_cast<std::int8_t>(taker - receivers_.begin());
  }
  for (SenderOptions& sender : options_.senders) senders_.emplace_back(std::move(sender));
  if (options_.forwarding) forwarder_.emplace(options_.forwarding->sender, options_.forwarding->source);
  extensions_ = {options_.mid_extension, options_.transport_cc_extension, random.u16()};
  noted_transport_sequence_ = extensions_.next_transport_sequence;
}

Receiver* Session::Impl::find_receiver(codecs::MediaKind kind) {
  const auto found = std::ranges::find(receivers_, kind, &Receiver::kind);
  return found == receivers_.end() ? nullptr : &*found;
}

Sender* Session::Impl::find_sender(codecs::MediaKind kind) {
  const auto found = std::ranges::find_if(senders_, [&](const Sender& s) { return s.options().kind == kind; });
  return found == senders_.end() ? nullptr : &*found;
}

void Session::Impl::prefetch(int step, std::span<const base::ByteView> packets) const {
  if (step == 0) return base::prefetch_between(this, &options_);
  if (step == 1) {
    base::prefetch(receivers_.data(), receivers_.size() * sizeof(Receiver));
    base::prefetch(marks_.data(), marks_.size() * sizeof(Mark));
    return arrivals_.prefetch();
  }
  int fetched = -1;
  for (const base::ByteView packet : packets) {
    const int receiver = packet.size() > 1 ? receiver_of_type_[packet[1] & 0x7fU] : -1;
    if (receiver >= 0 && receiver != fetched) receivers_[static_cast<std::size_t>(receiver)].prefetch(step - 2);
    fetched = receiver;
  }
}

void Session::Impl::prefetch_to_send(int step, codecs::MediaKind kind) const {
  if (step == 0) {
    base::prefetch(&next_report_);
    base::prefetch(&senders_, sizeof senders_);
    return base::prefetch(&extensions_, sizeof extensions_);
  }
  for (const Sender& sender : senders_) {
    if (step == 1) base::prefetch(&sender.options(), sizeof sender.options());
    if (sender.options().kind == kind) sender.prefetch(step - 1);
  }
}

void Session::Impl::handle_packets(base::Instant now, std::span<const base::ByteView> packets) {
  for (const base::ByteView packet : packets) {
    if (is_rtcp(packet)) {
      handle_rtcp(now, packet);
    } else {
      handle_rtp(now, packet);
    }
  }
  // What is due in a moment goes now, while what it looks at is in the cache.
  if (next_transport_feedback_ > now + kInAMoment) return;
  stir();
  send_feedback(now, now + kInAMoment);
}

void Session::Impl::handle_rtp(base::Instant now, base::ByteView datagram) {
  const auto packet = parse_rtp(datagram);
  if (!packet) {
    ++stats_.malformed_rtp;
    return;
  }
  const std::int8_t receiver = receiver_of_type_[packet->header.payload_type];
  if (receiver < 0) {
    ++stats_.unroutable;
    return;
  }
  if (feedback_extension_ != 0) {
    if (const auto sequence = as_u16(packet->find_extension(feedback_extension_))) {
      const bool in_turn = arrivals_.record(now, *sequence, packet->header.ssrc);
      if (!in_turn) uneven_until_ = std::max(uneven_until_, now + kIsUneven);
      if (next_transport_feedback_ == base::kNever) {
        next_transport_feedback_ = now + (now < uneven_until_ ? kTransportFeedbackInterval : kCalmFeedbackInterval);
      }
    }
  }
  if (next_report_ == base::kNever) next_report_ = now + kFirstReport;
  stir(static_cast<std::size_t>(receiver));
  receivers_[static_cast<std::size_t>(receiver)].handle_packet(now, *packet);
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
  stir();
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
  stir();
  for (const std::uint32_t ssrc : bye.ssrcs) {
    for (Receiver& receiver : receivers_) receiver.handle_goodbye(ssrc);
  }
}

void Session::Impl::handle(base::Instant now, const Nack& nack) {
  for (Sender& sender : senders_) {
    if (sender.options().ssrc == nack.media_ssrc) sender.handle_nack(now, nack, extensions_, outgoing_);
  }
  if (forwarder_ && forwarder_->options().ssrc == nack.media_ssrc) {
    forwarder_->handle_nack(now, path_.is_congested(), nack, extensions_, outgoing_);
  }
  flush_rtp(now, outgoing_);
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
    events_.push({codecs::MediaKind::Video, SessionEvent::KeyFrameRequested{}});
  }
  for (Sender& sender : senders_) {
    if (sender.options().ssrc != media_ssrc) continue;
    sender.count_key_frame_request();
    events_.push({sender.options().kind, SessionEvent::KeyFrameRequested{}});
  }
}

std::optional<SessionEvent> Session::Impl::poll_event() {
  if (!events_.empty()) return events_.pop();
  for (std::size_t i = 0; i < receivers_.size(); ++i) {
    if (!marks_[i].may_have_events) continue;
    auto event = receivers_[i].poll_event();
    marks_[i].may_have_events = event.has_value();
    if (!event) continue;
    return std::visit([&](auto& what) { return SessionEvent{receivers_[i].kind(), std::move(what)}; }, *event);
  }
  return std::nullopt;
}

base::Bytes Session::Impl::take_buffer() {
  if (spare_.empty()) return {};
  base::Bytes buffer = std::move(spare_.back());
  spare_.pop_back();
  buffer.clear();
  return buffer;
}

// All of `rtp` was written since the last call, so that its transport-wide numbers are those taken since then.
void Session::Impl::flush_rtp(base::Instant now, std::vector<base::Bytes>& rtp) {
  for (base::Bytes& bytes : rtp) {
    if (noted_transport_sequence_ != extensions_.next_transport_sequence) {
      if (forwarder_) path_.note_sent(now, noted_transport_sequence_, bytes.size(), false);
      ++noted_transport_sequence_;
    }
    packets_.push({false, std::move(bytes)});
  }
  rtp.clear();
}

void Session::Impl::handle_timeout(base::Instant now) {
  stir();
  for (Receiver& receiver : receivers_) receiver.handle_timeout(now);
  send_feedback(now, now);
}

base::Instant Session::Impl::next_timeout() const {
  base::Instant next = base::kNever;
  base::Instant report = std::min(next_report_, next_transport_feedback_);
  bool receiving = false;
  for (std::size_t i = 0; i < receivers_.size(); ++i) {
    Mark& mark = marks_[i];
    if (!std::exchange(mark.is_due_known, true)) {
      mark.due = receivers_[i].next_timeout();
      mark.has_source = receivers_[i].ssrc().has_value();
    }
    next = std::min(next, mark.due);
    receiving |= mark.has_source;
  }
  if (remb_ && receiving) report = std::min(report, estimate_.next_send());
  return report == base::kNever ? next : std::min(next, report + kWaitsForPackets);
}

void Session::Impl::send_frame(base::Instant now, const codecs::Frame& frame, std::uint32_t rtp_timestamp,
                               base::WallTime capture) {
  Sender* sender = find_sender(codecs::kind_of(frame.codec));
  if (sender == nullptr) return;
  if (next_report_ == base::kNever) next_report_ = now + kFirstReport;
  sender->send_frame(now, {frame, rtp_timestamp, capture}, extensions_, outgoing_);
  flush_rtp(now, outgoing_);
}

void Session::Impl::send_padding(base::Instant now, codecs::MediaKind kind) {
  Sender* sender = find_sender(kind);
  if (sender == nullptr) return;
  sender->send_padding(now, extensions_, outgoing_);
  flush_rtp(now, outgoing_);
}

void Session::Impl::send_prepared(base::Instant now, codecs::MediaKind kind, const PreparedFrame& frame,
                                  PacketBatch& out) {
  Sender* sender = find_sender(kind);
  if (sender == nullptr) return;
  if (next_report_ == base::kNever) next_report_ = now + kFirstReport;
  sender->send_prepared(now, frame, extensions_, out);
}

void Session::Impl::forward(base::Instant now, PacketBatch& out) {
  if (!forwarder_) return;
  if (next_report_ == base::kNever) next_report_ = now + kFirstReport;
  const std::size_t before = out.places().size();
  forwarder_->forward(now, path_.is_congested(), extensions_, out);
  for (const PacketBatch::Place& place : out.places().subspan(before)) {
    if (noted_transport_sequence_ == extensions_.next_transport_sequence) break;  // numbers are not negotiated
    path_.note_sent(now, noted_transport_sequence_++, place.size, true);
  }
}

void Session::Impl::request_key_frame(base::Instant now) {
  stir();
  for (Receiver& receiver : receivers_) receiver.request_key_frame(now);
}

void Session::Impl::skip(base::Instant now) {
  stir();
  for (Receiver& receiver : receivers_) receiver.skip(now);
}

void Session::Impl::finish(base::Instant now) {
  stir();
  for (Receiver& receiver : receivers_) receiver.finish(now);
  Goodbye bye;
  for (const Sender& sender : senders_) bye.ssrcs.push_back(sender.options().ssrc);
  if (forwarder_) bye.ssrcs.push_back(forwarder_->options().ssrc);
  if (bye.ssrcs.empty()) return;
  OutgoingPacket packet = begin_rtcp(now, true);
  write_rtcp(packet.bytes, bye);
  packets_.push(std::move(packet));
}

Session::Session(base::Instant now, base::Random& random, SessionOptions options)
    : impl_(std::make_unique<Impl>(now, random, std::move(options))) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::prefetch(int step, std::span<const base::ByteView> packets) const {
  impl_->prefetch(step, packets);
}
void Session::prefetch_to_send(int step, codecs::MediaKind kind) const {
  impl_->prefetch_to_send(step, kind);
}
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
void Session::send_prepared(base::Instant now, codecs::MediaKind kind, const PreparedFrame& frame, PacketBatch& out) {
  impl_->send_prepared(now, kind, frame, out);
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
bool Session::fill_history(base::Instant now, std::span<const EarlierFrame> frames) {
  Receiver* receiver = impl_->find_receiver(codecs::MediaKind::Video);
  return receiver != nullptr && receiver->fill_history(now, frames);
}
void Session::skip(base::Instant now) {
  impl_->skip(now);
}
void Session::ask_for_share(base::Instant now, double share) {
  impl_->estimate_.ask_for_share(now, share);
}
void Session::finish(base::Instant now) {
  impl_->finish(now);
}
std::optional<OutgoingPacket> Session::poll_packet() {
  return impl_->packets_.pop();
}
std::optional<SessionEvent> Session::poll_event() {
  return impl_->poll_event();
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
