// SPDX-License-Identifier: Apache-2.0
// The order and repair half of rtp::Receiver: from packets as they come to frames in order.
#include <algorithm>
#include <utility>

#include "codecs/opus.hpp"
#include "rtp/receiver_impl.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

// Sequence numbers may jump this far before the sender is taken to have begun anew. Half a second of a fast camera,
// or seconds of a usual one.
constexpr std::int64_t kMaxJump = 4000;
static_assert(kMaxJump < ReorderBuffer::kMaxPackets);
// More missing packets than this are not repaired: the oldest are given up.
constexpr std::size_t kMaxMissing = 2000;
// A stream whose first packet does not look like a beginning: these many before it are asked for, and waited for this
// long. The first packet of a session is lost as easily as any other.
constexpr std::int64_t kProbes = 4;
constexpr base::Duration kProbeDeadline = milliseconds(400);
// At the start packets may have overtaken this many: a key frame is sent in one go.
constexpr std::int64_t kMaxEarlier = 500;
// Without NACK nothing is repaired: packets are waited for only as long as they may have been overtaken.
constexpr base::Duration kReorderDeadline = milliseconds(200);
// After silence: the least time that answers to requests are waited for. By then a key frame is there, too.
constexpr base::Duration kAfterSilence = milliseconds(250);
// And so many packets may merely have been overtaken by the first that came after it.
constexpr std::int64_t kOvertaken = 8;
// Far above 0, so that unwrapped sequence numbers never become negative.
constexpr std::int64_t kSequenceOrigin = 1 << 20;

bool looks_like_beginning(codecs::MediaKind kind, base::ByteView payload) {
  return payload.empty() || (kind == codecs::MediaKind::Video && H264Depacketizer::surely_starts_access_unit(payload));
}

}  // namespace

base::Duration Receiver::Impl::repair_deadline() const {
  return options_.nack ? options_.repair_deadline : std::min(kReorderDeadline, options_.repair_deadline);
}

void Receiver::Impl::start_source(const Arrival& arrival) {
  const std::int64_t first = kSequenceOrigin + arrival.header.sequence;
  source_.emplace(arrival.header.ssrc, clock_rate(), first, options_.frame_buffers);
  source_->last_packet_at = arrival.now;
  begin_earlier(arrival, first);
  if (options_.history) options_.history->restart();
}

// The packet at `sequence` is the earliest so far. Unless it looks like the beginning of a stream, some before it are
// suspected to exist.
void Receiver::Impl::begin_earlier(const Arrival& arrival, std::int64_t sequence) {
  Source& source = *source_;
  const bool is_beginning = skipped_ || looks_like_beginning(options_.kind, arrival.payload);
  const std::int64_t probes = is_beginning ? 0 : kProbes;
  const std::int64_t added = source.next - (sequence - probes);
  source.missing.add_before(arrival.now, sequence - probes, added, arrival.now + repair_deadline());
  source.missing.mark_probes(probes, arrival.now + std::min(kProbeDeadline, repair_deadline()));
  source.next = sequence - probes;
}

void Receiver::Impl::handle_media(const Arrival& arrival) {
  if (!arrival.repeated && !select_source(arrival)) return;
  Source& source = *source_;
  const std::int64_t sequence =
      source.sequences.started() ? source.sequences.peek(arrival.header.sequence) : source.highest + 1;
  if (!source.sequences.started()) source.sequences.start_at(sequence);
  if (skipped_) {
    if (arrival.repeated) {  // the answer to a request from before
      ++stats_.late;
      return;
    }
    begin_anew(arrival);
    skipped_ = false;
    return;
  }
  if (!is_plausible(arrival, sequence)) return;
  const base::Duration silence = arrival.now - std::exchange(source.last_packet_at, arrival.now);
  if (sequence <= source.highest && source.seen(sequence)) {
    ++stats_.duplicates;
    return;
  }
  if (sequence < source.next && (source.delivered || source.next - sequence > kMaxEarlier ||
                                 source.highest - sequence > ReorderBuffer::kMaxPackets / 2)) {
    ++stats_.late;
    return;
  }
  if (sequence <= source.next && !source.delivered) begin_earlier(arrival, sequence);
  accept(arrival, sequence, silence);
}

// A jump is believed when the packet after it goes on from there (RFC 3550 A.1).
bool Receiver::Impl::is_plausible(const Arrival& arrival, std::int64_t sequence) {
  Source& source = *source_;
  if (sequence > source.highest - static_cast<std::int64_t>(Source::kHistory) &&
      sequence <= source.highest + kMaxJump) {
    if (!arrival.repeated) source.jump.reset();
    return true;
  }
  if (arrival.repeated) return false;
  if (source.jump == arrival.header.sequence) {
    resync(arrival, sequence - source.highest);
  } else {
    source.jump = static_cast<std::uint16_t>(arrival.header.sequence + 1);
    ++stats_.late;
  }
  return false;
}

// The sender went on elsewhere: what is stored is handed out, the rest is lost.
void Receiver::Impl::resync(const Arrival& arrival, std::int64_t distance) {
  ++stats_.resyncs;
  finish(arrival.now);
  report_loss(arrival.now, std::max<std::int64_t>(distance - 1, 1));
  begin_anew(arrival);
}

// Order begins anew here; the timestamps go on.
void Receiver::Impl::begin_anew(const Arrival& arrival) {
  const TimestampUnwrapper timestamps = source_->timestamps;
  start_source(arrival);
  source_->timestamps = timestamps;
  source_->loss_pending = true;
  source_->h264.lose();
  source_->sequences.start_at(source_->highest + 1);
  accept(arrival, source_->highest + 1, {});
}

void Receiver::Impl::accept(const Arrival& arrival, std::int64_t sequence, base::Duration silence) {
  Source& source = *source_;
  while (sequence - source.next >= ReorderBuffer::kMaxPackets && source.missing.oldest()) give_up_oldest(arrival.now);
  const bool fresh = sequence > source.highest;
  if (fresh) {
    extend_to(arrival.now, sequence, silence);
    source.sequences.start_at(sequence);
  } else if (const auto repaired = source.missing.remove(arrival.now, sequence); repaired && repaired->asked_for) {
    ++stats_.repaired;
  }
  source.seen(sequence) = true;
  if (!arrival.repeated) source.report.count(arrival.now, sequence, arrival.header.timestamp, fresh);
  ++stats_.packets;
  stats_.bytes += arrival.payload.size();
  if (arrival.payload.empty()) ++stats_.padding;
  if (options_.history) {
    options_.history->add(
        arrival.now, {.sequence = sequence, .timestamp = arrival.header.timestamp, .marker = arrival.header.marker},
        arrival.payload);
  }

  if (sequence == source.next) {
    ++source.next;
    deliver(arrival.now, arrival.header.timestamp, arrival.header.marker, arrival.payload, arrival.now);
    deliver_stored(arrival.now);
  } else {
    StoredPacket& slot = source.stored.insert(source.next, sequence, arrival.payload);
    slot.timestamp = arrival.header.timestamp;
    slot.payload_type = arrival.header.payload_type;
    slot.marker = arrival.header.marker;
    slot.arrived = arrival.now;
  }
  while (source.stored.bytes() > ReorderBuffer::kMaxBytes || source.missing.size() > kMaxMissing) {
    if (!source.missing.oldest()) break;
    give_up_oldest(arrival.now);
  }
}

// Everything between the highest sequence number so far and this one is missing from now on.
void Receiver::Impl::extend_to(base::Instant now, std::int64_t sequence, base::Duration silence) {
  Source& source = *source_;
  base::Duration patience = repair_deadline();
  if (options_.nack && sequence > source.highest + 1 && silence > patience && source.delivered) {
    skip_forgotten(now, sequence, silence);
    patience = std::min(patience, std::max(kAfterSilence, source.missing.longest_answer()));
  }
  for (std::int64_t missing = source.highest + 1; missing <= sequence; ++missing) {
    source.seen(missing) = false;
    if (missing < sequence) source.missing.add(now, missing, now + patience);
  }
  source.highest = sequence;
}

// A sender keeps its packets about as long as we wait for them. Of what it sent into a longer silence the older part is
// gone, and nothing that comes after it is to wait for that: only the rest is asked for, and it is soon here or never.
void Receiver::Impl::skip_forgotten(base::Instant now, std::int64_t sequence, base::Duration silence) {
  Source& source = *source_;
  while (source.missing.oldest()) give_up_oldest(now);
  const auto skipped = static_cast<double>(sequence - source.highest - 1);
  // By when our request is there the sender has forgotten a little more.
  const std::chrono::duration<double> still_kept = repair_deadline() - source.missing.longest_answer();
  const auto kept =
      static_cast<std::int64_t>(skipped * still_kept.count() / std::chrono::duration<double>(silence).count());
  const std::int64_t forgotten = sequence - source.highest - 1 - std::max(kept, kOvertaken);
  if (forgotten <= 0) return;
  for (std::int64_t i = 0; i < forgotten; ++i) {
    source.seen(++source.highest) = false;
  }
  source.next = source.highest + 1;
  report_loss(now, forgotten);
}

void Receiver::Impl::deliver_stored(base::Instant now) {
  Source& source = *source_;
  while (StoredPacket* packet = source.stored.find(source.next)) {
    ++source.next;
    deliver(now, packet->timestamp, packet->marker, packet->payload, packet->arrived);
    source.stored.release(*packet);
  }
}

void Receiver::Impl::deliver(base::Instant now, std::uint32_t timestamp, bool marker, base::ByteView payload,
                             base::Instant arrived) {
  Source& source = *source_;
  source.delivered = true;
  if (payload.empty()) return;  // padding says nothing about the timeline either
  const OrderedPayload ordered{source.timestamps.unwrap(timestamp), marker, payload, arrived};
  if (early_report_ != nullptr) {
    const auto early = std::exchange(early_report_, nullptr);
    handle_sender_report(early->at, early->report);
  }
  if (is_video()) {
    source.h264.push(ordered, frames_);
    hand_out_all(now);
    return;
  }
  if (!codecs::opus::packet_duration(payload)) {
    ++stats_.malformed;
    return;
  }
  DepacketizedFrame frame{true, {codecs::CodecId::Opus, true, take_buffer()}, ordered.timestamp, arrived};
  frame.frame.payload.assign(payload.begin(), payload.end());
  hand_out(now, frame);
}

void Receiver::Impl::hand_out_all(base::Instant now) {
  for (DepacketizedFrame& frame : frames_) hand_out(now, frame);
  if (!frames_.empty()) stats_.malformed += source_->h264.take_malformed();
  frames_.clear();
}

void Receiver::Impl::hand_out(base::Instant now, DepacketizedFrame& frame) {
  if (!frame.whole) {
    ++stats_.incomplete_frames;
    source_->loss_pending = true;
    awaiting_key_frame_ = true;
    request_key_frame(now);
    return;
  }
  if (is_video() && frame.frame.key_frame) {
    key_frame_wanted_ = false;
    awaiting_key_frame_ = false;
    if (awaited_frames_ > 0) events_.push(KeyFrameAwaited{std::exchange(awaited_frames_, 0)});
  }
  if (is_video() && awaiting_key_frame_) {
    ++stats_.key_frame_awaited;
    ++awaited_frames_;
    request_key_frame(now);
    return;
  }
  ++stats_.frames;
  newest_frame_ = frame.timestamp;
  if (frame.frame.key_frame) ++stats_.key_frames;
  events_.push(ReceivedFrame{std::move(frame.frame), frame.timestamp, source_->ssrc, frame.arrived,
                             std::exchange(source_->loss_pending, false)});
}

void Receiver::Impl::give_up_due(base::Instant now) {
  while (const auto oldest = source_->missing.oldest()) {
    if (oldest->deadline > now) break;
    give_up_oldest(now);
  }
}

// The oldest missing packet is next_ itself: whatever precedes it was delivered.
void Receiver::Impl::give_up_oldest(base::Instant now) {
  Source& source = *source_;
  const auto oldest = *source.missing.oldest();
  source.missing.pop_oldest();
  source.next = oldest.sequence + 1;
  if (!oldest.probe) report_loss(now, 1);
  deliver_stored(now);
}

void Receiver::Impl::report_loss(base::Instant now, std::int64_t count) {
  source_->loss_pending = true;
  stats_.lost += static_cast<std::uint64_t>(count);
  if (auto* last = events_.empty() ? nullptr : std::get_if<PacketsLost>(&events_.back())) {
    last->count += static_cast<std::uint64_t>(count);
  } else {
    events_.push(PacketsLost{static_cast<std::uint64_t>(count)});
  }
  if (!is_video()) return;
  source_->h264.lose();
  awaiting_key_frame_ = true;
  request_key_frame(now);
}

// Also of a source that nothing has come of yet: its first packets may be among what is skipped.
void Receiver::Impl::skip(base::Instant now) {
  if (std::exchange(skipped_, true) || !source_) return;
  finish(now);
  awaiting_key_frame_ = true;
  key_frame_wanted_ = false;
  pli_due_ = base::kNever;
}

void Receiver::Impl::finish(base::Instant now) {
  if (!source_) return;
  while (source_->missing.oldest()) give_up_oldest(now);
  if (is_video()) {
    source_->h264.finish(frames_);
    hand_out_all(now);
  }
  if (awaited_frames_ > 0) events_.push(KeyFrameAwaited{std::exchange(awaited_frames_, 0)});
}

}  // namespace rtp
