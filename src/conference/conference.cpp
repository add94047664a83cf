// SPDX-License-Identifier: Apache-2.0
#include "conference/conference.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/sans_io.hpp"
#include "codecs/opus.hpp"
#include "conference/packet_voice.hpp"
#include "conference/participant.hpp"

namespace conference {
namespace {

// RFC 6716 3.2.1: 1,275 bytes a frame; a packet of several that is larger than this fits no datagram.
constexpr std::size_t kMaxPayload = 1500;
constexpr std::size_t kMaxTransmits = 8192;
constexpr std::uint8_t kVoiceAudioLevel = 50;  // -dBov
constexpr int kMaxTicksAtOnce = 5;

}  // namespace

Conference::Conference(Options options) : options_(options) {}
Conference::~Conference() = default;

base::Result<void> Conference::join(ParticipantId id, base::Instant, std::uint32_t first_timestamp) {
  if (find(id) != nullptr) {
    return base::fail(base::Errc::AlreadyExists, fmt::format("participant {} is in the conference already", id));
  }
  if (participants_.size() >= options_.max_participants) {
    return base::fail(base::Errc::LimitExceeded, fmt::format("the conference has {} participants, its limit: wait "
                                                             "until one leaves",
                                                             participants_.size()));
  }
  participants_.push_back(std::make_unique<Participant>(id, first_timestamp));
  return {};
}

void Conference::leave(ParticipantId id, base::Instant now) {
  Participant* participant = find(id);
  if (participant == nullptr) return;
  if (participant->voice != nullptr) leaving_.push_back(std::move(participant->voice));
  if (is_forwarded(*participant) && participant->forwarded_at) torn_ = true;
  if (floor_ == id) floor_.reset();
  std::erase_if(participants_, [&](const auto& p) { return p.get() == participant; });
  std::erase_if(transmits_, [&](const Transmit& t) { return t.listener == id; });
  if (mixing_ && participants_.size() < 2) end_mix(now);
}

Participant* Conference::find(ParticipantId id) {
  const auto at = std::find_if(participants_.begin(), participants_.end(), [&](const auto& p) { return p->id == id; });
  return at == participants_.end() ? nullptr : at->get();
}

bool Conference::speaks(const Participant& participant, base::Instant now) const {
  return participant.last_voice && now - *participant.last_voice < options_.hangover;
}

void Conference::packet(ParticipantId id, const AudioPacket& packet, base::Instant now) {
  Participant* speaker = find(id);
  if (speaker == nullptr) {
    ++stats_.unknown_participant;
    return;
  }
  const bool fits = packet.payload != nullptr && packet.payload->size() <= kMaxPayload;
  const auto duration = fits ? codecs::opus::packet_duration(*packet.payload) : std::nullopt;
  if (!duration) {
    ++stats_.malformed;
    return;
  }
  if (speaker->input == nullptr || !speaker->input->continues(now, packet)) restart_input(*speaker, packet.ssrc);
  const auto stored = speaker->input->take(now, packet, *duration, stats_);
  if (!stored) return;
  const bool late = mixing_ ? speaker->voice != nullptr && stored->end() <= speaker->voice->voice.next_needed()
                            : speaker->next_forwarded && stored->sequence < *speaker->next_forwarded;
  if (late) {
    ++stats_.late;
    return;
  }
  note_voice(*speaker, packet, now);
  if (!mixing_) choose_floor(*speaker, now);
  if (!mixing_) forward(*speaker, now);
}

void Conference::restart_input(Participant& participant, std::uint32_t ssrc) {
  if (participant.input != nullptr) ++stats_.restarts;
  if (is_forwarded(participant) && participant.forwarded_at) torn_ = true;
  if (participant.voice != nullptr) leaving_.push_back(std::move(participant.voice));
  participant.input = std::make_shared<Input>(ssrc);
  participant.source = ++next_source_;
  participant.next_forwarded.reset();
  participant.forwarded_at.reset();
  participant.waits_until.reset();
}

void Conference::note_voice(Participant& participant, const AudioPacket& packet, base::Instant now) {
  PacketVoice voice = packet_voice(*packet.payload);
  if (packet.audio_level) voice = *packet.audio_level <= kVoiceAudioLevel ? PacketVoice::Voice : PacketVoice::Silent;
  if (voice == PacketVoice::Voice) participant.last_voice = now;
  // In the mix its frames tell; who is forwarded already, and either of two, need not be asked.
  const bool undecided =
      voice == PacketVoice::Unknown && participant.voice == nullptr && (mixing_ || participants_.size() > 2);
  if (!undecided || (!mixing_ && floor_ == participant.id)) return;
  if (participant.audition == nullptr) participant.audition = std::make_unique<Decoder>();
  std::array<float, Decoder::kMaxSamples> samples;
  const std::size_t count = participant.audition->decode(*packet.payload, samples);
  ++stats_.auditioned;
  if (mean_square(std::span(samples).first(count)) > kVoiceLevel) participant.last_voice = now;
}

void Conference::send(Participant& listener, SharedPayload payload, std::uint32_t timestamp, bool marker) {
  if (transmits_.size() >= kMaxTransmits) {
    transmits_.pop_front();
    ++stats_.dropped_transmits;
  }
  transmits_.push_back({listener.id, std::move(payload), timestamp, marker});
}

void Conference::handle_timeout(base::Instant now) {
  if (!mixing_) {
    for (const auto& participant : participants_) {
      if (participant->waits_until && *participant->waits_until <= now) forward(*participant, now);
    }
    return;
  }
  for (int ticks = 0; mixing_ && tick_at_ <= now; ++ticks) {
    if (ticks == kMaxTicksAtOnce) {  // the loop stood still: listeners hear a pause
      const auto missed = (now - tick_at_) / kFrameTime;
      mix_time_ += missed * static_cast<std::int64_t>(kFrameSamples);
      tick_at_ += missed * kFrameTime;
    }
    const base::Instant due = tick_at_;
    tick_at_ += kFrameTime;
    tick(due);
  }
}

base::Instant Conference::next_timeout() const {
  if (mixing_) return tick_at_;
  base::Instant next = base::kNever;
  for (const auto& participant : participants_) {
    if (participant->waits_until) next = std::min(next, *participant->waits_until);
  }
  return next;
}

std::optional<Transmit> Conference::poll_transmit() {
  return base::pop_front(transmits_);
}

std::optional<Conference::Queue> Conference::queue(ParticipantId id, base::Instant now) const {
  for (const auto& participant : participants_) {
    if (participant->id != id || participant->voice == nullptr) continue;
    const Voice& voice = participant->voice->voice;
    const auto packet = static_cast<double>(voice.input()->buffer().newest().duration);
    const auto to_time = [&](double samples) {
      return base::Duration(static_cast<std::int64_t>((samples - packet) / 48e-6));
    };
    return Queue{to_time(voice.queue(now)), to_time(voice.target())};
  }
  return std::nullopt;
}

}  // namespace conference
