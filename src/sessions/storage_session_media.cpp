// SPDX-License-Identifier: Apache-2.0
// What happens to the media of a storage session's connections: recorded, and sent on to the others.
#include <fmt/format.h>

#include "async/shard.hpp"
#include "base/log.hpp"
#include "sessions/storage_session_member.hpp"

namespace sessions {

void StorageSession::activate_master(base::Instant now, Member& master, bool continues) {
  master_ = &master;
  if (continues) {
    recorder_->restart_media(now);
  } else {
    recorder_ = std::make_unique<streams::Recorder>(environment_.recorder, log_, now, async::wall_now());
    for (const auto& member : members_) {
      if (member->connected && !member->is_master()) record_audio_of(*member);
    }
  }
  recorder_->set_sdp_parameter_sets(master.peer().sdp_parameter_sets());
  record_audio_of(master);
  watch_for_fragment(master);
  timer_.arm(now + std::chrono::seconds(1));
}

// The pictures since the last key frame at once, and a fresh key frame as soon as the camera has made one.
void StorageSession::activate_viewer(base::Instant now, Member& viewer) {
  if (recorder_ != nullptr) record_audio_of(viewer);
  viewer.peer().forward_video(now);
  viewer.port_peer.pump(now);
  if (master_ != nullptr) request_key_frame(now);
}

void StorageSession::record_audio_of(const Member& member) {
  if (member.port_peer.peer().receives(webrtc::MediaKind::Audio)) recorder_->add_audio(member.client_id);
}

void StorageSession::record(base::Instant now, Member& member, webrtc::FrameReceived event) {
  if (!member.connected || recorder_ == nullptr) return;
  member.timeline.reach(now, Step::FirstFrame);
  if (event.kind == webrtc::MediaKind::Video && event.frame.frame.key_frame) {
    member.timeline.reach(now, Step::FirstKeyFrame);
  }
  streams::ArrivedFrame frame;
  frame.kind = to_stream_kind(event.kind);
  frame.frame = std::move(event.frame.frame);
  frame.rtp_timestamp = event.frame.rtp_timestamp;
  frame.clock_rate = clock_of(event.kind);
  frame.arrived = event.frame.arrived;
  frame.after_loss = event.frame.after_loss;
  recorder_->write_frame(member.client_id, std::move(frame));
}

// Once for each batch of the master's packets.
void StorageSession::forward_video(base::Instant now) {
  bool key_frame_awaited = false;
  for (const auto& member : members_) {
    if (!member->connected || member->is_master()) continue;
    member->peer().forward_video(now);
    member->port_peer.flush();
    key_frame_awaited |= member->peer().awaits_key_frame();
  }
  video_->forget_fresh();
  if (key_frame_awaited) master_->peer().request_key_frame(now);
}

// Requests of many viewers within half a second become one (rtp::Receiver).
void StorageSession::request_key_frame(base::Instant now) {
  master_->peer().request_key_frame(now);
  master_->port_peer.flush();
}

void StorageSession::finish_recording(base::Instant now, streams::GapReason reason) {
  if (recorder_ == nullptr) return;
  recorder_->finish(now, reason);
  const streams::RecorderStats stats = recorder_->stats();
  base::log_info(
      "recording of channel {}: stopped after {} fragments, {} video frames, {} audio packets; dropped {} frames "
      "after a loss, {} before a key frame, {} for a slow disk",
      channel_name_, stats.fragments, stats.video_frames, stats.audio_packets, stats.dropped_after_loss,
      stats.dropped_before_key, stats.dropped_disk_slow);
  recorder_.reset();
  timer_.disarm();
}

void StorageSession::count_dropped(Member& member) {
  const DroppedPackets now = dropped_packets(member.peer().stats());
  stats_.dropped.add(now.since(member.counted));
  member.counted = now;
}

void StorageSession::tick() {
  if (recorder_ == nullptr) return;
  for (const auto& member : members_) count_dropped(*member);
  const base::Instant now = async::now();
  recorder_->handle_timeout(now, async::wall_now());
  timer_.arm(now + std::chrono::seconds(1));
}

// The commit itself tells: an operator reads here how long a camera takes until its footage is safe.
void StorageSession::watch_for_fragment(const Member& member) {
  environment_.port.shard().spawn(fmt::format("first fragment of channel {}", channel_name_),
                                  [weak = std::weak_ptr(self_), sequence = member.sequence,
                                   ordinal = recorder_->stats().fragments + 1]() -> async::Task<void> {
                                    streams::Recorder* recorder = nullptr;
                                    if (const auto session = weak.lock()) recorder = (*session)->recorder_.get();
                                    if (recorder == nullptr) co_return;
                                    const bool durable = co_await recorder->wait_for_fragment(ordinal);
                                    const auto session = weak.lock();
                                    if (!durable || session == nullptr) co_return;
                                    Member* active = (*session)->master_;
                                    if (active == nullptr || active->sequence != sequence) co_return;
                                    active->timeline.reach(async::now(), Step::FirstFragmentDurable);
                                    base::log_info("session of channel {}: recording ({})", (*session)->channel_name_,
                                                   active->timeline.text());
                                  });
}

}  // namespace sessions
