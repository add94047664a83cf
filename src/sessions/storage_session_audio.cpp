// SPDX-License-Identifier: Apache-2.0
// Everybody in a storage session hears everybody else: between its connections and the conference that mixes.
#include "async/shard.hpp"
#include "base/log.hpp"
#include "rtp/rtcp.hpp"
#include "sessions/storage_session_member.hpp"

namespace sessions {

void StorageSession::join_conference(base::Instant now, Member& member) {
  const auto joined = conference_.join(member.conference_id(), now, environment_.random.u32());
  if (!joined) {
    base::log_info("{}: takes no part in the sound: {}", name_of(member), joined.error().message);
    return;
  }
  listeners_[member.conference_id()] = &member;
  keep_sound();
}

// Nobody hears the only one.
void StorageSession::keep_sound() {
  for (const auto& [id, listener] : listeners_) listener->sound->set_wanted(listeners_.size() >= 2);
}

void StorageSession::leave_conference(base::Instant now, const Member& member) {
  conference_.leave(member.conference_id(), now);
  listeners_.erase(member.conference_id());
  keep_sound();
  send_audio(now);
}

// Once for each batch of a connection's packets.
void StorageSession::hear(base::Instant now, Member& member) {
  rtp::PacketHistory& sound = *member.sound;
  if (sound.fresh().empty()) return;
  for (const std::int64_t sequence : sound.fresh()) {
    const rtp::KeptPacket* packet = sound.find(sequence);
    if (packet == nullptr || packet->payload.empty() || !member.connected) continue;
    conference::AudioPacket audio;
    audio.ssrc = static_cast<std::uint32_t>(sound.epoch());  // changes when its source does
    audio.sequence = static_cast<std::uint16_t>(sequence);
    audio.timestamp = packet->timestamp;
    audio.marker = packet->marker;
    audio.payload = std::make_shared<const base::Bytes>(packet->payload);
    conference_.packet(member.conference_id(), audio, now);
  }
  sound.forget_fresh();
  send_audio(now);
}

void StorageSession::mix_audio() {
  const base::Instant now = async::now();
  conference_.handle_timeout(now);
  send_audio(now);
}

void StorageSession::send_audio(base::Instant now) {
  const base::WallTime captured = capture_time(now);
  while (const auto transmit = conference_.poll_transmit()) {
    const auto found = listeners_.find(transmit->listener);
    if (found == listeners_.end()) continue;
    Member& listener = *found->second;
    const codecs::Frame frame{codecs::CodecId::Opus, true, *transmit->payload};
    listener.peer().send_frame(now, webrtc::MediaKind::Audio, frame, transmit->timestamp, captured);
    listener.port_peer.flush();
  }
  audio_timer_.arm(conference_.next_timeout());
}

// What is heard now was said when the pictures that arrive now were taken: on the master's clock, which the reports
// about the pictures are on as well.
base::WallTime StorageSession::capture_time(base::Instant now) const {
  const auto& clock = video_->source_clock();
  if (!clock) return async::wall_now();
  return rtp::from_ntp(clock->ntp) + std::chrono::duration_cast<std::chrono::microseconds>(now - clock->arrived);
}

}  // namespace sessions
