// SPDX-License-Identifier: Apache-2.0
#include "rtp/sender.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "codecs/h264_nal.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kFirstKept = 256;
// 3 s at 10 Mbit/s; a power of two.
constexpr std::size_t kMaxKept = 4096;
// A packet asked for twice within this time is repeated once.
constexpr base::Duration kRepeatPause = milliseconds(10);
constexpr std::uint8_t kAggregate = 24;
constexpr std::uint8_t kFragment = 28;
constexpr std::uint8_t kPaddingBytes = 4;

// Small things that travel in front of the slices of a picture.
bool may_aggregate(codecs::h264::NalType type) {
  using codecs::h264::NalType;
  return type == NalType::AccessUnitDelimiter || type == NalType::Sei || type == NalType::Sps || type == NalType::Pps;
}

std::uint16_t sequence_of(base::ByteView packet) {
  return static_cast<std::uint16_t>(packet[2] << 8 | packet[3]);
}

}  // namespace

Sender::Sender(SenderOptions options)
    : options_(std::move(options)),
      next_sequence_(options_.first_sequence),
      next_rtx_sequence_(static_cast<std::uint16_t>(~options_.first_sequence)) {}

void write_outgoing_header(base::Bytes& out, const RtpHeader& header, const std::string& mid,
                           OutgoingExtensions& extensions) {
  std::array<std::uint8_t, 2> transport_sequence{};
  if (extensions.transport_cc_id != 0) {
    const std::uint16_t number = extensions.next_transport_sequence++;
    transport_sequence = {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  }
  const std::array<Extension, 2> list = {
      Extension{mid.empty() ? std::uint8_t{0} : extensions.mid_id, base::as_bytes(mid)},
      Extension{extensions.transport_cc_id, transport_sequence}};
  write_rtp_header(out, header, list);
}

void Sender::begin_packet(std::uint32_t timestamp, OutgoingExtensions& extensions) {
  current_.clear();
  const RtpHeader header{false, options_.payload_type, next_sequence_++, timestamp, options_.ssrc};
  write_outgoing_header(current_, header, options_.mid, extensions);
  current_header_ = current_.size();
}

void Sender::end_packet(std::vector<base::Bytes>& out) {
  ++stats_.packets;
  stats_.bytes += current_.size() - current_header_;
  out.push_back(current_);
}

void Sender::send_frame(base::Instant now, const FrameToSend& to_send, OutgoingExtensions& extensions,
                        std::vector<base::Bytes>& out) {
  const codecs::Frame& frame = to_send.frame;
  last_timestamp_ = to_send.rtp_timestamp;
  last_capture_ = to_send.capture;
  last_sent_at_ = now;
  begin(now, extensions, out);
  ++stats_.frames;
  const std::size_t first = out.size();
  if (frame.codec == codecs::CodecId::H264) {
    packetize_h264(frame, to_send.rtp_timestamp, extensions, out);
    if (out.size() > first) out.back()[1] |= 0x80;  // the marker: last packet of the access unit
  } else {
    begin_packet(to_send.rtp_timestamp, extensions);
    base::append(current_, frame.payload);
    end_packet(out);
  }
  for (std::size_t i = first; i < out.size(); ++i) keep(now, out[i]);
}

void Sender::begin(base::Instant now, OutgoingExtensions& extensions, std::vector<base::Bytes>& out) {
  if (std::exchange(started_, true)) return;
  for (unsigned i = 0; i < options_.leading_padding_packets; ++i) send_padding(now, extensions, out);
}

void Sender::packetize_h264(const codecs::Frame& frame, std::uint32_t timestamp, OutgoingExtensions& extensions,
                            std::vector<base::Bytes>& out) {
  std::size_t aggregate_size = 1;
  aggregate_.clear();
  codecs::h264::for_each_nal(frame.payload, [&](base::ByteView nal) {
    const bool small = options_.aggregate_parameter_sets && may_aggregate(codecs::h264::nal_type(nal)) &&
                       nal.size() + 3 <= options_.max_payload;
    if (!small || aggregate_size + 2 + nal.size() > options_.max_payload) {
      write_aggregate(aggregate_, timestamp, extensions, out);
      aggregate_size = 1;
    }
    if (small) {
      aggregate_.push_back(nal);
      aggregate_size += 2 + nal.size();
    } else {
      write_nal(nal, timestamp, extensions, out);
    }
  });
  write_aggregate(aggregate_, timestamp, extensions, out);
}

// STAP-A: |F|NRI| 24 | (length 16 | NAL unit)*; the NRI is the highest of the units (RFC 6184 5.7).
void Sender::write_aggregate(std::vector<base::ByteView>& nals, std::uint32_t timestamp, OutgoingExtensions& extensions,
                             std::vector<base::Bytes>& out) {
  if (nals.size() == 1) write_nal(nals[0], timestamp, extensions, out);
  if (nals.size() > 1) {
    begin_packet(timestamp, extensions);
    base::ByteWriter writer(current_);
    unsigned importance = 0;
    for (const base::ByteView nal : nals) importance = std::max(importance, nal[0] & 0x60U);
    writer.u8(importance | kAggregate);
    for (const base::ByteView nal : nals) {
      writer.u16(nal.size());
      writer.bytes(nal);
    }
    end_packet(out);
  }
  nals.clear();
}

void Sender::write_nal(base::ByteView nal, std::uint32_t timestamp, OutgoingExtensions& extensions,
                       std::vector<base::Bytes>& out) {
  if (nal.size() <= options_.max_payload) {
    begin_packet(timestamp, extensions);
    base::append(current_, nal);
    end_packet(out);
    return;
  }
  const auto indicator = static_cast<std::uint8_t>((nal[0] & 0xe0) | kFragment);
  const auto type = static_cast<std::uint8_t>(nal[0] & 0x1f);
  base::ByteView rest = nal.subspan(1);
  std::uint8_t position = 0x80;  // S
  while (!rest.empty()) {
    const base::ByteView part = rest.first(std::min(rest.size(), options_.max_payload - 2));
    rest = rest.subspan(part.size());
    if (rest.empty()) position |= 0x40;  // E
    begin_packet(timestamp, extensions);
    current_.push_back(indicator);
    current_.push_back(position | type);
    base::append(current_, part);
    end_packet(out);
    position = 0;
  }
}

void Sender::send_padding(base::Instant now, OutgoingExtensions& extensions, std::vector<base::Bytes>& out) {
  begin_packet(last_timestamp_, extensions);
  current_[0] |= 0x20;
  base::ByteWriter writer(current_);
  writer.zeros(kPaddingBytes - 1);
  writer.u8(kPaddingBytes);
  out.push_back(current_);
  keep(now, current_);
}

void Sender::keep(base::Instant now, base::ByteView packet) {
  const std::uint16_t sequence = sequence_of(packet);
  if (kept_.empty()) kept_.resize(kFirstKept);
  Sent* slot = &kept_[sequence & (kept_.size() - 1)];
  if (!slot->packet.empty() && now - slot->at < options_.keep && kept_.size() < kMaxKept) {
    std::vector<Sent> old = std::exchange(kept_, std::vector<Sent>(kept_.size() * 2));
    for (Sent& sent : old) {
      if (!sent.packet.empty()) kept_[sequence_of(sent.packet) & (kept_.size() - 1)] = std::move(sent);
    }
    slot = &kept_[sequence & (kept_.size() - 1)];
  }
  slot->packet.assign(packet.begin(), packet.end());
  slot->header_size = parse_rtp(packet)->header_size;
  slot->at = now;
  slot->repeated = false;
}

// Nothing that is not, or no longer, kept.
Sender::Sent* Sender::find_sent(base::Instant now, std::uint16_t sequence, const OutgoingExtensions& extensions) {
  Sent* sent = kept_.empty() ? nullptr : &kept_[sequence & (kept_.size() - 1)];
  if (sent != nullptr && !sent->packet.empty() && sequence_of(sent->packet) == sequence &&
      now - sent->at <= options_.keep)
    return sent;
  return options_.prepared ? rebuild(now, sequence, extensions) : nullptr;
}

void Sender::handle_nack(base::Instant now, const Nack& nack, OutgoingExtensions& extensions,
                         std::vector<base::Bytes>& out) {
  stats_.nacks += nack.lost.size();
  for (const std::uint16_t sequence : nack.lost) {
    Sent* sent = find_sent(now, sequence, extensions);
    if (sent == nullptr) {
      ++stats_.unavailable;
      continue;
    }
    if (sent->repeated && now - sent->repeated_at < kRepeatPause) continue;
    sent->repeated = true;
    sent->repeated_at = now;
    if (sent == &rebuilt_) note_repeat(now, sequence);
    ++stats_.retransmitted;
    out.push_back(make_repeat(*sent, extensions));
  }
}

void Sender::restart(std::uint32_t ssrc) {
  options_.ssrc = ssrc;
  next_sequence_ = options_.first_sequence;
  kept_.clear();
  sent_frames_.clear();
  started_ = false;
}

// Without RTX the bytes must be the very same: SRTP would use the same key stream for them again.
base::Bytes Sender::make_repeat(const Sent& sent, OutgoingExtensions& extensions) {
  if (!options_.rtx_payload_type) return sent.packet;
  base::ByteReader reader(sent.packet);
  reader.skip(1);
  const bool marker = (reader.u8() & 0x80) != 0;
  const std::uint16_t sequence = reader.u16();
  const RtpHeader header{marker, *options_.rtx_payload_type, next_rtx_sequence_++, reader.u32(), options_.rtx_ssrc};
  base::Bytes packet;
  packet.reserve(sent.packet.size() + 2);
  write_outgoing_header(packet, header, options_.mid, extensions);
  base::ByteWriter writer(packet);
  writer.u16(sequence);
  // A padding packet is repeated as its bare sequence number.
  if ((sent.packet[0] & 0x20) == 0) writer.bytes(base::ByteView(sent.packet).subspan(sent.header_size));
  return packet;
}

std::optional<SenderReport> Sender::make_report(base::Instant now) const {
  if (!started_) return std::nullopt;
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now - last_sent_at_);
  SenderReport report;
  report.ssrc = options_.ssrc;
  report.ntp = to_ntp(last_capture_ + since);
  report.rtp_timestamp =
      last_timestamp_ + static_cast<std::uint32_t>(since.count() * std::int64_t{options_.clock_rate} / 1'000'000);
  report.packet_count = static_cast<std::uint32_t>(stats_.packets);
  report.octet_count = static_cast<std::uint32_t>(stats_.bytes);
  return report;
}

}  // namespace rtp
