// SPDX-License-Identifier: Apache-2.0
#include "rtp/receiver.hpp"

#include <algorithm>

#include "base/prefetch.hpp"
#include "rtp/receiver_impl.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

// A key frame takes a round trip and an encoder: asking again sooner only makes more of them.
constexpr base::Duration kPliInterval = milliseconds(500);
constexpr base::Duration kPliRepeat = milliseconds(1000);
// A packet missing this long will hardly come: the key frame that replaces it is asked for while there is still hope.
constexpr base::Duration kEarlyKeyFrameRequest = milliseconds(1000);
// A source that was silent this long may be replaced by another one.
constexpr base::Duration kSourceTimeout = milliseconds(500);
constexpr std::size_t kMaxNacksAtOnce = 250;  // keeps the datagram below 1,200 bytes

}  // namespace

const PayloadFormat* Receiver::Impl::find_format(std::uint8_t payload_type) const {
  const auto found = std::ranges::find_if(options_.formats, [&](const PayloadFormat& format) {
    return format.payload_type == payload_type || format.rtx_payload_type == payload_type;
  });
  return found == options_.formats.end() ? nullptr : &*found;
}

void Receiver::Impl::handle_packet(base::Instant now, const RtpPacket& packet) {
  if (packet.header.payload_type == media_payload_type_) return handle_media({now, packet.header, packet.payload});
  const PayloadFormat* format = find_format(packet.header.payload_type);
  if (format == nullptr) {
    ++stats_.unknown_payload_type;
  } else if (format->payload_type == packet.header.payload_type) {
    media_payload_type_ = format->payload_type;
    handle_media({now, packet.header, packet.payload});
  } else {
    handle_rtx(now, packet, format->payload_type);
  }
}

void Receiver::Impl::prefetch(int step) const {
  if (step == 0) return base::prefetch_between(this, &source_ + 1);
  base::prefetch(events_.end(), sizeof(ReceiverEvent));
  if (is_video()) base::prefetch(frames_.data(), sizeof(DepacketizedFrame));
  if (options_.history) base::prefetch(options_.history.get());
  if (source_) {
    const auto next = static_cast<std::size_t>(source_->highest + 1) % Source::kHistory;
    base::prefetch(reinterpret_cast<const std::uint8_t*>(source_->arrived.get()) + next / 8);
  }
}

// RFC 4588: the payload is the original sequence number and the original payload.
void Receiver::Impl::handle_rtx(base::Instant now, const RtpPacket& packet, std::uint8_t media_payload_type) {
  if (packet.payload.empty()) {  // a probe for bandwidth
    ++stats_.padding;
    return;
  }
  if (packet.payload.size() < 2) {
    ++stats_.malformed;
    return;
  }
  if (!source_) return;  // nothing was asked for yet
  RtpHeader original = packet.header;
  original.payload_type = media_payload_type;
  original.ssrc = source_->ssrc;
  original.sequence = static_cast<std::uint16_t>(packet.payload[0] << 8 | packet.payload[1]);
  handle_media({now, original, packet.payload.subspan(2), true});
}

void Receiver::Impl::handle_sender_report(base::Instant now, const SenderReport& report) {
  if (!source_ || !source_->timestamps.started()) {
    early_report_ = std::make_unique<EarlyReport>(EarlyReport{report, now});
    early_report_->report.reports.clear();
    return;
  }
  if (report.ssrc != source_->ssrc) return;
  source_->report.handle_sender_report(now, report);
  if (options_.history) options_.history->note_clock({report.ntp, report.rtp_timestamp, now});
  events_.push(
      SenderReportReceived{from_ntp(report.ntp), source_->timestamps.peek(report.rtp_timestamp), report.ssrc, now});
}

void Receiver::Impl::handle_goodbye(std::uint32_t ssrc) {
  if (source_ && source_->ssrc == ssrc) events_.push(SourceEnded{ssrc});
}

bool Receiver::Impl::select_source(const Arrival& arrival) {
  if (source_ && source_->ssrc == arrival.header.ssrc) {
    newcomer_.reset();
    return true;
  }
  if (source_) {
    if (arrival.now - source_->last_packet_at < kSourceTimeout && !is_successor(arrival)) {
      ++stats_.unexpected_ssrc;
      return false;
    }
    finish(arrival.now);
    newcomer_.reset();
    replaced_ssrc_ = source_->ssrc;
    source_.reset();
    awaiting_key_frame_ = true;
  }
  start_source(arrival);
  return true;
}

// An encoder that begins anew does so without a pause. Two packets in sequence with none of the old source between them
// are believed, as RFC 3550 A.1 has it; the source before does not come back that way, or two that send at once would
// take turns.
bool Receiver::Impl::is_successor(const Arrival& arrival) {
  const RtpHeader& header = arrival.header;
  if (header.ssrc == replaced_ssrc_) return false;
  const bool goes_on = newcomer_ && newcomer_->ssrc == header.ssrc && newcomer_->next_sequence == header.sequence;
  newcomer_ = {header.ssrc, static_cast<std::uint16_t>(header.sequence + 1)};
  return goes_on;
}

void Receiver::Impl::handle_timeout(base::Instant now) {
  if (!source_) return;
  give_up_due(now);
  if (is_video()) {
    const auto oldest = source_->missing.oldest();
    if (oldest && !oldest->probe && now - oldest->since >= kEarlyKeyFrameRequest) request_key_frame(now);
  }
}

base::Instant Receiver::Impl::next_timeout() const {
  base::Instant next = key_frame_wanted_ && source_ ? pli_due_ : base::kNever;
  if (!source_) return next;
  if (options_.nack) next = std::min(next, source_->missing.next_due());
  if (const auto oldest = source_->missing.oldest()) {
    next = std::min(next, oldest->deadline);
    if (is_video() && !oldest->probe && !key_frame_wanted_)
      next = std::min(next, oldest->since + kEarlyKeyFrameRequest);
  }
  return next;
}

void Receiver::Impl::request_key_frame(base::Instant now) {
  if (!is_video() || !options_.pli || key_frame_wanted_) return;
  key_frame_wanted_ = true;
  pli_due_ = pli_ever_sent_ ? std::max(now, pli_sent_ + kPliInterval) : now;
}

void Receiver::Impl::take_feedback(base::Instant now, std::uint32_t sender_ssrc, std::vector<RtcpPacket>& out) {
  if (!source_) return;
  if (options_.nack) {
    Nack nack{sender_ssrc, source_->ssrc, source_->missing.take_due(now, kMaxNacksAtOnce)};
    stats_.nacks_sent += nack.lost.size();
    if (!nack.lost.empty()) out.emplace_back(std::move(nack));
  }
  if (key_frame_wanted_ && pli_due_ <= now) {
    out.emplace_back(PictureLossIndication{sender_ssrc, source_->ssrc});
    ++stats_.plis_sent;
    pli_sent_ = now;
    pli_ever_sent_ = true;
    pli_due_ = now + kPliRepeat;
  }
}

std::optional<ReportBlock> Receiver::Impl::take_report(base::Instant now) {
  if (!source_) return std::nullopt;
  const ReportBlock block = source_->report.take(now);
  stats_.jitter = jitter_of(block, clock_rate());
  return block;
}

Receiver::Receiver(ReceiverOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Receiver::~Receiver() = default;
Receiver::Receiver(Receiver&&) noexcept = default;
Receiver& Receiver::operator=(Receiver&&) noexcept = default;

bool Receiver::accepts(std::uint8_t payload_type) const {
  return impl_->find_format(payload_type) != nullptr;
}
bool Receiver::owns(std::uint32_t ssrc) const {
  return impl_->source_ && impl_->source_->ssrc == ssrc;
}
void Receiver::handle_packet(base::Instant now, const RtpPacket& packet) {
  impl_->handle_packet(now, packet);
}
void Receiver::prefetch(int step) const {
  impl_->prefetch(step);
}
void Receiver::handle_sender_report(base::Instant now, const SenderReport& report) {
  impl_->handle_sender_report(now, report);
}
void Receiver::handle_goodbye(std::uint32_t ssrc) {
  impl_->handle_goodbye(ssrc);
}
void Receiver::handle_timeout(base::Instant now) {
  impl_->handle_timeout(now);
}
base::Instant Receiver::next_timeout() const {
  return impl_->next_timeout();
}
void Receiver::request_key_frame(base::Instant now) {
  impl_->request_key_frame(now);
}
bool Receiver::fill_history(base::Instant now, std::span<const EarlierFrame> frames) {
  return impl_->fill_history(now, frames);
}
void Receiver::take_feedback(base::Instant now, std::uint32_t sender_ssrc, std::vector<RtcpPacket>& out) {
  impl_->take_feedback(now, sender_ssrc, out);
}
std::optional<ReportBlock> Receiver::take_report(base::Instant now) {
  return impl_->take_report(now);
}
std::pair<std::int64_t, std::int64_t> Receiver::reception() const {
  if (!impl_->source_) return {0, 0};
  return {impl_->source_->report.expected(), impl_->source_->report.received()};
}
void Receiver::finish(base::Instant now) {
  impl_->finish(now);
}
void Receiver::skip(base::Instant now) {
  impl_->skip(now);
}
std::optional<ReceiverEvent> Receiver::poll_event() {
  return impl_->poll_event();
}
const ReceiverStats& Receiver::stats() const {
  return impl_->stats_;
}
codecs::MediaKind Receiver::kind() const {
  return impl_->options_.kind;
}
std::optional<std::uint32_t> Receiver::ssrc() const {
  return impl_->source_ ? std::optional(impl_->source_->ssrc) : std::nullopt;
}

}  // namespace rtp
