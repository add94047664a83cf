// SPDX-License-Identifier: Apache-2.0
// What the records of a storage session's connections need to know.
#include "sessions/storage_session_member.hpp"

namespace sessions {
namespace {

SessionNumbers numbers_of(const webrtc::PeerStats& stats, bool is_master) {
  SessionNumbers numbers;
  if (is_master) {
    const rtp::ReceiverStats& video = stats.video_received;
    numbers.video_packets = video.packets;
    numbers.video_bytes = video.bytes;
    numbers.video_frames = video.frames;
    numbers.video_lost = video.lost;
    numbers.video_repaired = video.repaired;
    numbers.nacks = video.nacks_sent;
    numbers.plis = video.plis_sent;
    numbers.video_jitter = video.jitter;
  } else {
    const rtp::SenderStats& video = stats.video_sent;
    numbers.video_packets = video.packets;
    numbers.video_bytes = video.bytes;
    numbers.video_repaired = video.retransmitted;
    numbers.nacks = video.nacks;
    numbers.plis = video.plis;
    numbers.video_jitter = stats.rtp.forwarded_jitter;
  }
  numbers.audio_packets = stats.audio_received.packets;
  numbers.audio_bytes = stats.audio_received.bytes;
  numbers.audio_lost = stats.audio_received.lost;
  numbers.audio_jitter = stats.audio_received.jitter;
  numbers.round_trip = stats.rtp.round_trip;
  return numbers;
}

}  // namespace

void StorageSession::note_signaling(const std::string& client_id, bool connected) {
  for (const auto& member : members_) {
    if (member->client_id == client_id) member->in_signaling = connected;
  }
}

void StorageSession::update_traces() {
  for (const auto& member : members_) {
    member->timeline.note_path(member->peer().path());
    SessionNumbers numbers = numbers_of(member->peer().stats(), member->is_master());
    if (member.get() == master_ && recorder_ != nullptr) numbers.skew = recorder_->skew();
    member->timeline.note_numbers(numbers);
  }
}

void StorageSession::end_traces(base::Instant now, const SessionEnd& how) {
  update_traces();
  for (const auto& member : members_) member->timeline.end(now, how);
}

SessionEnd StorageSession::explain(base::Instant now, Member& member, const webrtc::Failed& failed) {
  FailureCircumstances seen;
  seen.is_master = member.is_master();
  seen.answered = member.answered;
  seen.in_signaling = member.in_signaling;
  seen.other_connected = !member.connected && find_active(member.client_id) != nullptr;
  seen.waited = now - member.timeline.joined();
  seen.media_port = environment_.port.local_address().port;
  return explain_failure(failed, seen, member.peer().path(), member.peer().stats());
}

}  // namespace sessions
