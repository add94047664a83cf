// SPDX-License-Identifier: Apache-2.0
// What happens to the media of a storage session's connections: recorded, and sent on to the others.
#include <fmt/format.h>

#include <algorithm>

#include "async/shard.hpp"
#include "base/log.hpp"
#include "base/prefetch.hpp"
#include "sessions/storage_session_member.hpp"

namespace sessions {

// What the frames of one member look at, in five steps (PeerOwner::prefetch()).
void StorageSession::prefetch(int step) const {
  if (step == 0) return base::prefetch_between(this, &retired_);
  if (step == 1) {
    if (members_.size() > 1) base::prefetch(video_.get());
    return base::prefetch(recorder_.get());
  }
  if (recorder_ != nullptr) recorder_->prefetch(step - 2);
}

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
  recording_since_ = now;
  if (resting_) master.port_peer.rest(now);
  master.peer().ask_for_share(now, bitrate_share_);
}

void StorageSession::rest(base::Instant now) {
  if (std::exchange(resting_, true)) return;
  recorder_->shed(now);
  master_->port_peer.rest(now);
  master_->port_peer.pump(now);
}

void StorageSession::resume(base::Instant now) {
  if (!std::exchange(resting_, false)) return;
  master_->port_peer.resume(now);
  master_->port_peer.pump(now);
}

void StorageSession::ask_for_share(base::Instant now, double share) {
  if (std::exchange(bitrate_share_, share) == share) return;
  master_->peer().ask_for_share(now, share);
  master_->port_peer.pump(now);
}

// The pictures since the last key frame at once, and a fresh key frame as soon as the camera has made one.
void StorageSession::activate_viewer(base::Instant now, Member& viewer) {
  if (recorder_ != nullptr) record_audio_of(viewer);
  // The end of its handshake first: it could not open media that came before.
  viewer.port_peer.flush();
  viewer.peer().forward_video(now);
  viewer.port_peer.pump(now);
  if (master_ != nullptr) request_key_frame(now);
}

void StorageSession::record_audio_of(const Member& member) {
  if (member.port_peer.peer().receives(webrtc::MediaKind::Audio)) recorder_->add_audio(member.client_id);
}

void StorageSession::record(base::Instant now, Member& member, webrtc::FrameReceived event) {
  if (!member.connected || recorder_ == nullptr) return;
  if (!member.has_key_frame) {
    member.timeline.reach(now, Step::FirstFrame);
    member.has_key_frame = event.kind == webrtc::MediaKind::Video && event.frame.frame.key_frame;
    if (member.has_key_frame) member.timeline.reach(now, Step::FirstKeyFrame);
  }
  streams::ArrivedFrame frame;
  frame.kind = to_stream_kind(event.kind);
  frame.frame = std::move(event.frame.frame);
  frame.rtp_timestamp = event.frame.rtp_timestamp;
  frame.clock_rate = clock_of(event.kind);
  frame.arrived = event.frame.arrived;
  frame.after_loss = event.frame.after_loss;
  recorder_->write_frame(member.client_id, frame);
  environment_.frame_buffers->give(std::move(frame.frame.payload));
}

// From the first viewer's join on. The camera is asked for a key frame, which may be here by the time it is connected;
// fill_history() does for cameras that do not listen.
void StorageSession::keep_video(base::Instant now) {
  const bool wanted = std::ranges::any_of(members_, [](const auto& member) { return !member->is_master(); });
  const bool begins = wanted && !video_->is_wanted();
  video_->set_wanted(wanted);
  if (begins && master_ != nullptr) request_key_frame(now);
}

// Nothing is kept that a viewer could begin with: its pictures are made of what is recorded since the last key frame.
// While another one watches, packets are kept in any case.
void StorageSession::fill_history(base::Instant now) {
  bool awaited = false;
  for (const auto& member : members_) {
    if (!member->connected || member->is_master()) continue;
    if (!member->peer().awaits_key_frame()) return;
    awaited = true;
  }
  if (!awaited || video_->newest_key_frame()) return;
  std::vector<rtp::EarlierFrame> frames;
  for (const auto& picture : recorder_->since_key_frame()) frames.push_back({picture.rtp_timestamp, picture.payload});
  master_->peer().fill_video_history(now, frames);
}

// Once for each batch of the master's packets.
void StorageSession::forward_video(base::Instant now) {
  fill_history(now);
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
  resting_ = false;  // whoever comes next is looked at anew
  bitrate_share_ = 1;
}

void StorageSession::count_dropped(Member& member) {
  const webrtc::PeerStats stats = member.peer().stats();
  DroppedPackets now = dropped_packets(stats);
  now[DropReason::Overload] += member.port_peer.left_out();
  stats_.dropped.add(now.since(member.counted));
  member.counted = now;
  const std::uint64_t nacks = stats.video_received.nacks_sent + stats.audio_received.nacks_sent;
  stats_.nacks += nacks - std::exchange(member.counted_nacks, nacks);
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
