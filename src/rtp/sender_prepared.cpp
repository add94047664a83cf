// SPDX-License-Identifier: Apache-2.0
// Sending from a PreparedTrack. Nothing that was sent is kept but where it stands in the track: a repair is written
// anew, with the same bytes.
#include <algorithm>

#include "base/check.hpp"
#include "base/prefetch.hpp"
#include "rtp/sender.hpp"

namespace rtp {
namespace {

// Three seconds at 80 frames a second; a power of two.
constexpr std::size_t kSentFrames = 256;
constexpr std::size_t kHeaderWithExtensions = 28;  // what is usually negotiated

}  // namespace

void Sender::prefetch(int step) const {
  if (step == 0) return base::prefetch(this, sizeof *this);
  if (!sent_frames_.empty()) base::prefetch(&sent_frames_[stats_.frames % kSentFrames], sizeof(SentFrame));
}

void Sender::send_prepared(base::Instant now, const PreparedFrame& frame, OutgoingExtensions& extensions,
                           PacketBatch& out) {
  CHECK(options_.prepared != nullptr && frame.index < options_.prepared->frames());
  const PreparedTrack& track = *options_.prepared;
  const std::size_t count = track.packets(frame.index);
  last_timestamp_ = frame.rtp_timestamp;
  last_capture_ = frame.capture;
  last_sent_at_ = now;
  if (!started_) {
    std::vector<base::Bytes> leading;
    begin(now, extensions, leading);
    for (const base::Bytes& packet : leading) {
      base::append(out.bytes(), packet);
      out.end_packet();
    }
  }
  if (sent_frames_.empty()) sent_frames_.resize(kSentFrames);
  out.reserve(out.bytes().size() + track.bytes(frame.index) + count * (kHeaderWithExtensions + out.room()));
  SentFrame& sent = sent_frames_[stats_.frames++ % kSentFrames];
  sent = {static_cast<std::uint32_t>(frame.index), frame.rtp_timestamp, next_sequence_,
          extensions.next_transport_sequence, now};
  for (std::size_t i = 0; i < count; ++i) {
    write_prepared(sent, i, extensions, out.bytes());
    out.end_packet();
  }
  next_sequence_ = static_cast<std::uint16_t>(next_sequence_ + count);
  stats_.packets += count;
  stats_.bytes += track.bytes(frame.index);
}

void Sender::write_prepared(const SentFrame& sent, std::size_t packet, OutgoingExtensions& extensions,
                            base::Bytes& out) const {
  const PreparedTrack& track = *options_.prepared;
  const bool last = packet + 1 == track.packets(sent.index);
  const RtpHeader header{options_.kind == codecs::MediaKind::Video && last, options_.payload_type,
                         static_cast<std::uint16_t>(sent.sequence + packet), sent.timestamp, options_.ssrc};
  write_outgoing_header(out, header, options_.mid, extensions);
  base::append(out, track.payload(sent.index, packet));
}

// As it was sent, transport-wide number and all.
Sender::Sent* Sender::rebuild(base::Instant now, std::uint16_t sequence, const OutgoingExtensions& extensions) {
  for (const SentFrame& sent : sent_frames_) {
    const auto packet = static_cast<std::uint16_t>(sequence - sent.sequence);
    if (sent.at == base::Instant{} || now - sent.at > options_.keep || packet >= options_.prepared->packets(sent.index))
      continue;
    OutgoingExtensions then = extensions;
    then.next_transport_sequence = static_cast<std::uint16_t>(sent.transport_sequence + packet);
    rebuilt_.packet.clear();
    write_prepared(sent, packet, then, rebuilt_.packet);
    rebuilt_.header_size = parse_rtp(rebuilt_.packet)->header_size;
    rebuilt_.at = sent.at;
    const auto repeat = std::ranges::find(repeats_, sequence, &Repeat::sequence);
    rebuilt_.repeated = repeat != repeats_.end() && repeat->at != base::Instant{};
    if (rebuilt_.repeated) rebuilt_.repeated_at = repeat->at;
    return &rebuilt_;
  }
  return nullptr;
}

void Sender::note_repeat(base::Instant now, std::uint16_t sequence) {
  auto place = std::ranges::find(repeats_, sequence, &Repeat::sequence);
  if (place == repeats_.end()) place = std::ranges::min_element(repeats_, {}, &Repeat::at);
  *place = {sequence, now};
}

}  // namespace rtp
