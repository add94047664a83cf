// SPDX-License-Identifier: Apache-2.0
// What low-latency readers see of the fragments that are not handed over yet.
#include <algorithm>
#include <utility>

#include "streams/recorder_session.hpp"

namespace streams {
namespace {

Payload copy_of(base::ByteView payload) {
  return std::make_shared<const base::Bytes>(payload.begin(), payload.end());
}

}  // namespace

// Times must be those that will be written, and what was handed over before must be visible: the first fragment at the
// live edge is the next segment of every playlist.
bool Recorder::Session::can_show() {
  if (!master_.timeline.is_settled() || (!open_ && !closing_) || !log_->live_edge().is_empty()) return false;
  const std::lock_guard lock(outcome_->mutex);
  return outcome_->uncommitted == 0 && !outcome_->lost && !(pause_ && is_lost(pause_->reason));
}

// Copies of what is new, if somebody asks for them.
void Recorder::Session::show(base::Instant now) {
  LiveEdge& edge = log_->live_edge();
  const bool stays = edge.is_wanted(now) && !reorders_;
  if (!stays || (!shown_ && !can_show())) {
    if (std::exchange(shown_, false)) edge.clear();
    return;
  }
  if (!shown_) {
    shown_ = true;
    for (const auto& [id, who] : participants_) {
      if (!who.timeline.is_settled()) continue;
      for (const HeldFrame& packet : who.audio.frames()) show_sound(who, packet);
    }
  }
  const bool settled = master_.timeline.is_settled();  // a new connection begins anew
  const bool has_room = (!closing_ || show_fragment(*closing_)) && (!open_ || !settled || show_fragment(*open_));
  if (!has_room) {
    edge.clear();
    shown_ = false;
    return;
  }
  edge.set_sound_until(sound_until(now));
}

bool Recorder::Session::show_fragment(const OpenFragment& fragment) {
  LiveEdge& edge = log_->live_edge();
  LiveFragment live;
  live.header.stream = log_->stream();
  live.header.number = fragment.number;
  live.header.producer_time = fragment.start;
  live.header.server_time = fragment.server_time;
  live.header.codec_fingerprint = fingerprint_of(fragment.avcc);
  live.header.flags = flags_of(fragment);
  live.avcc = fragment.avcc;
  live.width = fragment.width;
  live.height = fragment.height;
  if (fragment.end > fragment.start) live.end = fragment.end;
  for (std::size_t i = edge.count_pictures(fragment.number); i < fragment.video.size(); ++i) {
    const HeldFrame& frame = fragment.video.frames()[i];
    live.pictures.push_back({.track = 1,
                             .key_frame = frame.key_frame,
                             .time = frame.time,
                             .rtp_timestamp = frame.rtp,
                             .payload = copy_of(fragment.video.payload(frame))});
  }
  return edge.put(live);
}

void Recorder::Session::show_sound(const Participant& from, const HeldFrame& packet) {
  log_->live_edge().put_sound({.track = from.audio_track,
                               .key_frame = true,
                               .time = packet.time,
                               .rtp_timestamp = packet.rtp,
                               .payload = copy_of(from.audio.payload(packet))});
}

// Sound that nobody sends is known to be silent as far as the pictures go.
base::WallTime Recorder::Session::sound_until(base::Instant now) const {
  std::optional<base::WallTime> until;
  for (const auto& [id, who] : participants_) {
    if (!who.has_sent_audio || !who.timeline.is_settled() || now - who.audio_arrived >= kAudioIsSending) continue;
    until = until ? std::min(*until, who.audio_end) : who.audio_end;
  }
  if (until) return *until;
  const OpenFragment* newest = open_ ? &*open_ : closing_ ? &*closing_ : nullptr;
  if (newest == nullptr) return {};
  return newest->end > newest->start ? newest->end : newest->video.back().time;
}

}  // namespace streams
