// SPDX-License-Identifier: Apache-2.0
#include "rtp/forwarder.hpp"

#include <algorithm>
#include <utility>

namespace rtp {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kVideoClock = 90'000;
// What a NACK may still ask for; older stretches are forgotten.
constexpr std::size_t kMaxRuns = 64;
// A packet asked for twice within this time is repeated once.
constexpr base::Duration kRepeatPause = milliseconds(10);
constexpr std::uint8_t kPaddingBytes = 4;
constexpr std::int32_t kBurstSpeed = 32;
constexpr std::size_t kHeaderAndTag = 64;  // what stands around the payload, at most
// Far above 0, so that unwrapped sequence numbers never become negative.
constexpr std::int64_t kSequenceOrigin = 1 << 20;

}  // namespace

Forwarder::Forwarder(SenderOptions options, std::shared_ptr<const PacketHistory> source)
    : options_(std::move(options)),
      source_(std::move(source)),
      next_out_(kSequenceOrigin + options_.first_sequence),
      next_rtx_sequence_(static_cast<std::uint16_t>(~options_.first_sequence)) {}

// Another source: its timestamps go on from where the last one's were, as much later as it came.
void Forwarder::take_epoch(base::Instant now) {
  if (epoch_ == source_->epoch()) return;
  epoch_ = source_->epoch();
  run_is_open_ = false;
  const KeptPacket* first = source_->find(source_->newest());
  if (first == nullptr) {
    epoch_.reset();  // nothing came of it yet
    return;
  }
  if (stats_.packets == 0) return;
  const auto pause = std::chrono::duration_cast<std::chrono::microseconds>(now - last_sent_at_).count();
  const auto ticks = static_cast<std::uint32_t>(std::max<std::int64_t>(pause, 1) * kVideoClock / 1'000'000 + 1);
  timestamp_shift_ = last_timestamp_ + ticks - first->timestamp;
}

void Forwarder::begin_run(std::int64_t first) {
  if (runs_.size() >= kMaxRuns) runs_.pop_front();
  runs_.push_back({*epoch_, first, first - 1, next_out_ - first});
  run_is_open_ = true;
}

// All that is kept from the newest key frame on, in order: the first picture is there at once.
void Forwarder::begin_at_key_frame(base::Instant now, OutgoingExtensions& extensions, PacketBatch& out) {
  const auto first = source_->newest_key_frame();
  if (!first) return;
  if (!runs_.empty() && runs_.back().epoch == *epoch_ && *first <= runs_.back().last) return;  // it had that one
  begin_run(*first);
  runs_.back().burst_last = source_->newest();
  runs_.back().burst_timestamp = source_->find(source_->newest())->timestamp;
  bool has_key_frame = false;  // sent of it
  for (std::int64_t sequence = *first; sequence <= source_->newest(); ++sequence) {
    const KeptPacket* packet = source_->find(sequence);
    if (packet == nullptr) continue;
    if (thinned() && has_key_frame && is_first_to_leave_out(*packet)) {
      run_is_open_ = false;
      return;
    }
    has_key_frame |= packet->has_key_frame;
    send(now, *packet, extensions, out);
  }
}

void Forwarder::forward(base::Instant now, bool congested, OutgoingExtensions& extensions, PacketBatch& out) {
  take_epoch(now);
  if (!epoch_) return;
  if (!run_is_open_) {
    if (!thinned() || !congested) begin_at_key_frame(now, extensions, out);
    return;
  }
  for (const std::int64_t sequence : source_->fresh()) {
    const KeptPacket* packet = source_->find(sequence);
    if (packet == nullptr || sequence < runs_.back().first) continue;
    if (thinned() && is_first_to_leave_out(*packet)) {
      run_is_open_ = false;  // until the next key frame
      return;
    }
    send(now, *packet, extensions, out);
  }
}

// A picture that was begun is sent to its end: half of one would be asked for again, and a key frame for everybody.
// What begins with a delimiter may be a key frame after all: then that begins the next run, delimiter and all.
bool Forwarder::is_first_to_leave_out(const KeptPacket& packet) const {
  if (packet.sequence <= runs_.back().last || packet.has_key_frame) return false;
  const KeptPacket* before = source_->find(packet.sequence - 1);
  return before == nullptr || before->marker || before->timestamp != packet.timestamp;
}

std::uint32_t Forwarder::timestamp_of(const KeptPacket& packet, const Run& run) const {
  if (packet.sequence > run.burst_last) return packet.timestamp + timestamp_shift_;
  const auto age = static_cast<std::int32_t>(run.burst_timestamp - packet.timestamp);
  return run.burst_timestamp - static_cast<std::uint32_t>(age / kBurstSpeed) + timestamp_shift_;
}

// Without RTX a repair is the identical packet (SRTP would protect two packets under one nonce otherwise): then nothing
// that changes from packet to packet may be in its header.
void Forwarder::write_packet(const KeptPacket& packet, const Run& run, OutgoingExtensions& extensions,
                             base::Bytes& out) const {
  const RtpHeader header{packet.marker, options_.payload_type, static_cast<std::uint16_t>(packet.sequence + run.shift),
                         timestamp_of(packet, run), options_.ssrc};
  const std::size_t begin = out.size();
  if (options_.rtx_payload_type) {
    write_outgoing_header(out, header, options_.mid, extensions);
  } else {
    OutgoingExtensions constant{.mid_id = extensions.mid_id, .transport_cc_id = 0, .next_transport_sequence = 0};
    write_outgoing_header(out, header, options_.mid, constant);
  }
  if (packet.payload.empty()) {
    out[begin] |= 0x20;
    base::ByteWriter writer(out);
    writer.zeros(kPaddingBytes - 1);
    writer.u8(kPaddingBytes);
  }
  base::append(out, packet.payload);
}

void Forwarder::send(base::Instant now, const KeptPacket& packet, OutgoingExtensions& extensions, PacketBatch& out) {
  Run& run = runs_.back();
  run.last = std::max(run.last, packet.sequence);
  const std::int64_t sequence = packet.sequence + run.shift;
  next_out_ = std::max(next_out_, sequence + 1);
  write_packet(packet, run, extensions, out.bytes());
  out.end_packet();
  ++stats_.packets;
  stats_.bytes += packet.payload.size();
  if (packet.marker) ++stats_.frames;
  last_timestamp_ = timestamp_of(packet, run);
  last_sent_at_ = now;
}

const Forwarder::Run* Forwarder::find_run(std::int64_t out_sequence) const {
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (out_sequence >= run->first + run->shift) return out_sequence <= run->last + run->shift ? &*run : nullptr;
  }
  return nullptr;
}

bool Forwarder::repeated_just_now(base::Instant now, std::int64_t sequence) {
  Repeat& repeat = repeats_[static_cast<std::size_t>(sequence) % repeats_.size()];
  if (repeat.sequence == sequence && now - repeat.at < kRepeatPause) return true;
  repeat = {sequence, now};
  return false;
}

void Forwarder::handle_nack(base::Instant now, bool congested, const Nack& nack, OutgoingExtensions& extensions,
                            std::vector<base::Bytes>& out) {
  stats_.nacks += nack.lost.size();
  if (congested) return;  // asked for again when it has not come by then
  for (const std::uint16_t lost : nack.lost) {
    const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(next_out_ - 1) - lost);
    const std::int64_t sequence = next_out_ - 1 - behind;
    const Run* run = find_run(sequence);
    const KeptPacket* packet =
        run != nullptr && run->epoch == source_->epoch() ? source_->find(sequence - run->shift) : nullptr;
    if (packet == nullptr) {
      ++stats_.unavailable;  // what has not come to us either is sent when it comes
      continue;
    }
    if (repeated_just_now(now, sequence)) continue;
    ++stats_.retransmitted;
    out.push_back(write_repair(*packet, *run, extensions));
  }
}

base::Bytes Forwarder::write_repair(const KeptPacket& packet, const Run& run, OutgoingExtensions& extensions) {
  base::Bytes bytes;
  bytes.reserve(packet.payload.size() + kHeaderAndTag);
  if (!options_.rtx_payload_type) {
    write_packet(packet, run, extensions, bytes);
    return bytes;
  }
  const RtpHeader header{packet.marker, *options_.rtx_payload_type, next_rtx_sequence_++, timestamp_of(packet, run),
                         options_.rtx_ssrc};
  write_outgoing_header(bytes, header, options_.mid, extensions);
  base::ByteWriter writer(bytes);
  writer.u16(
      static_cast<std::uint16_t>(packet.sequence + run.shift));  // RFC 4588 4: the original number, then the payload
  writer.bytes(packet.payload);
  return bytes;
}

void Forwarder::handle_report(base::Instant now, const ReportBlock& block, std::optional<base::Duration> round_trip) {
  if (block.ssrc != options_.ssrc) return;
  thinning_.handle_report(now, block.fraction_lost, round_trip);
  stats_.thinned = thinning_.times();
}

void Forwarder::handle_feedback(base::Instant now, PathEstimate& path) {
  thinning_.handle_feedback(now, path, source_->bits_per_second());
  stats_.thinned = thinning_.times();
}

std::optional<SenderReport> Forwarder::make_report(base::Instant now) const {
  if (stats_.packets == 0 || epoch_ != source_->epoch() || !source_->source_clock()) return std::nullopt;
  const SourceClock& clock = *source_->source_clock();
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now - clock.arrived);
  SenderReport report;
  report.ssrc = options_.ssrc;
  report.ntp = to_ntp(from_ntp(clock.ntp) + since);
  report.rtp_timestamp = clock.rtp_timestamp + timestamp_shift_ +
                         static_cast<std::uint32_t>(since.count() * std::int64_t{kVideoClock} / 1'000'000);
  report.packet_count = static_cast<std::uint32_t>(stats_.packets);
  report.octet_count = static_cast<std::uint32_t>(stats_.bytes);
  return report;
}

}  // namespace rtp
