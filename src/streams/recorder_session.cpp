// SPDX-License-Identifier: Apache-2.0
// What comes in: where frames begin and end fragments. recorder_commit.cpp has what goes out.
#include "streams/recorder_session.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/prefetch.hpp"
#include "codecs/opus.hpp"

namespace streams {
namespace {

constexpr auto kSenderIsQuiet = std::chrono::seconds(5);
constexpr auto kMostHeldAudio = std::chrono::seconds(30);  // without a fragment to put it into
constexpr std::size_t kMostHeldAudioBytes = 4U << 20U;
// A camera with a key frame every 2 s has them at 1.998 s while its clock is slewed: cutting at 4 s would serve nobody.
constexpr int kTolerance = 20;                 // a twentieth of the target
constexpr std::size_t kMaxParticipants = 120;  // track numbers take one byte
constexpr auto kShortestFrame = std::chrono::milliseconds(1);
constexpr auto kLongestFrame = std::chrono::milliseconds(500);  // a longer pause is not a frame rate

std::chrono::microseconds length_of(base::ByteView opus_packet) {
  const auto samples = static_cast<std::int64_t>(codecs::opus::packet_duration(opus_packet).value_or(0));
  return std::chrono::microseconds(samples * 1'000'000 / codecs::opus::kClockRate);
}

}  // namespace

Recorder::Session::Session(RecorderOptions options, std::shared_ptr<FragmentLog> log, base::Instant now,
                           base::WallTime wall)
    : options_(options),
      log_(std::move(log)),
      master_(participant("")),
      began_(now),
      began_wall_(wall),
      clock_at_(now),
      clock_wall_(wall),
      outcome_(std::make_shared<RecorderOutcome>()) {
  pause_ = pause_since_last_session();
}

Recorder::Session::~Session() {
  if (open_) log_->abandon(open_->number);
  if (closing_) log_->abandon(closing_->number);
  {
    const std::lock_guard lock(outcome_->mutex);
    outcome_->recorder_is_gone = true;
  }
  outcome_->answered.notify_all();
}

// Media is placed by a clock that is never set; only what is stored as server time follows the system's.
base::WallTime Recorder::Session::media_clock(base::Instant now) const {
  return began_wall_ + std::chrono::floor<std::chrono::microseconds>(now - began_);
}
base::WallTime Recorder::Session::server_clock(base::Instant now) const {
  return clock_wall_ + std::chrono::floor<std::chrono::microseconds>(now - clock_at_);
}

void Recorder::Session::prefetch(int step) const {
  if (step == 0) return base::prefetch_between(this, &clock_at_);
  if (step == 1) {
    base::prefetch(&master_, sizeof master_);
    return base::prefetch(&log_->live_edge());
  }
  master_.audio.prefetch();
  if (open_) open_->video.prefetch();
}

void Recorder::Session::set_sdp_parameter_sets(const std::vector<base::Bytes>& nal_units) {
  for (const base::Bytes& nal : nal_units) parameter_sets_.add(nal);
}

Participant& Recorder::Session::participant(const std::string& id) {
  if (id.empty() && !participants_.empty()) return master_;
  return participants_.try_emplace(id, options_.camera_clock_tolerance).first->second;
}

void Recorder::Session::add_audio(Participant& who) {
  if (who.audio_track == 0 && next_audio_track_ < kMaxParticipants) who.audio_track = next_audio_track_++;
}

void Recorder::Session::end_audio(base::Instant now, const std::string& id) {
  const auto who = participants_.find(id);
  if (who != participants_.end()) who->second.has_sent_audio = false;
  commit_closing(now, false);
}

HeldFrame Recorder::Session::place(Participant& from, const ArrivedFrame& frame) {
  const base::WallTime arrived = media_clock(frame.arrived);
  // Frames that are not written yet keep their times when the sender's RTP time jumps.
  if (from.timeline.is_jump(frame.kind, frame.rtp_timestamp, frame.clock_rate, arrived)) settle();
  HeldFrame held;
  held.rtp = frame.rtp_timestamp;
  held.rate = frame.clock_rate;
  held.time = from.timeline.place(frame.kind, frame.rtp_timestamp, frame.clock_rate, arrived);
  held.key_frame = frame.frame.key_frame;
  return held;
}

// From now on times are as they will be written.
void Recorder::Session::settle() {
  for (auto& [id, each] : participants_) {
    if (each.timeline.is_settled()) continue;
    if (id.empty()) {
      each.timeline.settle();
    } else {
      each.timeline.settle(master_.timeline.shift());
    }
    replace_times(each);
  }
}

void Recorder::Session::replace_times(Participant& from) {
  for (HeldFrame& packet : from.audio.frames())
    packet.time = from.timeline.time_of(MediaKind::Audio, packet.rtp, packet.rate);
  from.looked_at_again = {};
  if (from.has_sent_audio && !from.audio.empty()) {
    const HeldFrame& last = from.audio.back();
    from.audio_end = last.time + length_of(from.audio.payload(last));
  }
  if (&from != &master_ || !open_) return;
  for (HeldFrame& frame : open_->video.frames())
    frame.time = from.timeline.time_of(MediaKind::Video, frame.rtp, frame.rate);
  open_->start = open_->video.front().time;
}

void Recorder::Session::write_video(const ArrivedFrame& frame) {
  const base::Instant now = frame.arrived;
  const bool key = frame.frame.key_frame;
  const base::Bytes& payload = frame.frame.payload;
  const auto change = parameter_sets_.observe(payload);
  HeldFrame held = place(master_, frame);
  video_arrived_ = now;
  if (frame.after_loss && open_) {
    settle();
    held.time = master_.timeline.time_of(MediaKind::Video, held.rtp, held.rate);
    const base::WallTime last = nominal_end() - frame_time_;
    const base::WallTime end = std::clamp(held.time, last + kShortestFrame, last + frame_time_);
    pause_ = Pause{GapReason::PacketsLost, close(end, now, GapReason::PacketsLost)};
    awaits_key_ = true;
  }
  if (awaits_key_) {
    if (!key || !parameter_sets_.complete()) {
      if (!pause_) pause_ = Pause{GapReason::KeyFrameAwaited, held.time, false, held};
      count_dropped();
      return;
    }
    awaits_key_ = false;
    open(held, payload, now, false);
    return;
  }
  if (!open_) {  // the sender had paused; nothing was lost
    open(held, payload, now, !key);
    return;
  }
  const auto length = held.time - open_->start;
  const bool full = open_->video.bytes() + payload.size() > options_.max_fragment_bytes;
  const bool changed = key && (change.sps_changed || change.pps_changed);
  const bool due = key && length >= options_.target_duration - options_.target_duration / kTolerance;
  if (changed || due || full || length >= options_.max_duration) {
    settle();
    held.time = master_.timeline.time_of(MediaKind::Video, held.rtp, held.rate);
    const base::WallTime end = close(std::max(held.time, open_->video.back().time), now);
    if (!key && group_dropped_) {  // a dependent fragment is worth nothing without the one before
      pause_ = Pause{GapReason::DiskSlow, end};
      awaits_key_ = true;
      count_dropped();
      return;
    }
    open(held, payload, now, !key);
    return;
  }
  append(held, payload);
}

void Recorder::Session::count_dropped() {
  switch (pause_->reason) {
    case GapReason::PacketsLost:
      ++stats_.dropped_after_loss;
      break;
    case GapReason::DiskSlow:
      ++stats_.dropped_disk_slow;
      break;
    default:
      ++stats_.dropped_before_key;
  }
}

void Recorder::Session::open(const HeldFrame& frame, base::ByteView payload, base::Instant now, bool dependent) {
  OpenFragment fragment;
  fragment.server_time = server_clock(now);
  fragment.number = log_->open_fragment(fragment.server_time);
  fragment.opened = now;
  fragment.dependent = dependent;
  fragment.avcc = parameter_sets_.avcc();
  if (const auto sps = parameter_sets_.active_sps()) {
    fragment.width = sps->width;
    fragment.height = sps->height;
  }
  fragment.video.reserve(expected_frames_);
  open_ = std::move(fragment);
  append(frame, payload);
}

void Recorder::Session::append(const HeldFrame& frame, base::ByteView payload) {
  OpenFragment& fragment = *open_;
  if (fragment.video.empty()) {
    fragment.start = frame.time;
  } else {
    const auto step = frame.time - fragment.video.back().time;
    reorders_ = reorders_ || step < step.zero();
    // Follows a faster rate at once, a slower one by and by: a single pause is not a frame rate.
    if (step >= kShortestFrame && step <= kLongestFrame)
      frame_time_ = std::min(step, frame_time_ + (step - frame_time_) / 8);
  }
  fragment.video.push(frame, payload);
  ++stats_.video_frames;
}

void Recorder::Session::write_audio(Participant& from, const ArrivedFrame& frame) {
  if (from.audio_track == 0) return;
  const base::Bytes& payload = frame.frame.payload;
  const HeldFrame held = place(from, frame);
  from.audio_arrived = frame.arrived;
  from.has_sent_audio = true;
  from.audio_end = std::max(from.audio_end, held.time + length_of(payload));
  from.audio.push(held, payload);
  if (shown_ && from.timeline.is_settled()) show_sound(from, from.audio.back());
  ++stats_.audio_packets;
  limit_audio(from);
}

void Recorder::Session::limit_audio(Participant& from) {
  // While a fragment is open its audio is part of it, for at most its 20 seconds.
  const base::WallTime newest = from.audio.back().time;
  if (newest < from.looked_at_again && from.audio.bytes() <= kMostHeldAudioBytes) return;
  while (from.audio.size() > 1 &&
         (newest - from.audio.front().time > kMostHeldAudio || from.audio.bytes() > kMostHeldAudioBytes)) {
    from.audio.drop_front();
    ++stats_.dropped_audio;
  }
  from.looked_at_again = from.audio.front().time + kMostHeldAudio;
}

void Recorder::Session::handle_report(Participant& from, const ClockReport& report) {
  from.timeline.handle_report(report.kind, report.ntp, report.rtp_timestamp, report.clock_rate);
  if (!from.timeline.is_settled()) replace_times(from);
}

void Recorder::Session::handle_timeout(base::Instant now, base::WallTime wall) {
  clock_at_ = now;
  clock_wall_ = wall;
  commit_closing(now, false);
  // A sender that has gone quiet keeps nobody waiting for what it sent before.
  if (open_ && now - video_arrived_ >= kSenderIsQuiet) {
    pause_ = Pause{GapReason::PublisherLeft, close(nominal_end(), now, GapReason::PublisherLeft)};
  }
}

void Recorder::Session::interrupt(base::Instant now, GapReason reason) {
  if (open_) pause_ = Pause{reason, close(nominal_end(), now, reason)};
  awaits_key_ = true;
}

void Recorder::Session::restart_media(base::Instant now) {
  interrupt(now, GapReason::PublisherLeft);
  commit_closing(now, true);
  stats_.clock_jumps += master_.timeline.jumps();
  stats_.dropped_audio += master_.audio.size();
  const std::uint32_t track = master_.audio_track;
  master_ = Participant(options_.camera_clock_tolerance);
  master_.audio_track = track;
  parameter_sets_ = {};
}

bool Recorder::Session::wants_key_frame(base::Instant now) const {
  if (finished_) return false;
  return awaits_key_ || !open_ || now - open_->opened >= options_.target_duration;
}

std::vector<Recorder::RecentPicture> Recorder::Session::since_key_frame() const {
  std::vector<RecentPicture> pictures;
  if (!open_ || awaits_key_) return pictures;
  const std::span<const HeldFrame> frames = std::as_const(open_->video).frames();
  const auto key = std::find_if(frames.rbegin(), frames.rend(), [](const HeldFrame& each) { return each.key_frame; });
  if (key == frames.rend()) return pictures;
  for (auto each = std::prev(key.base()); each != frames.end(); ++each) {
    pictures.push_back({each->rtp, HeldFrames::payload(*each)});
  }
  return pictures;
}

void Recorder::Session::finish(base::Instant now, GapReason reason) {
  if (finished_) return;
  finished_ = true;
  if (open_) {
    close(nominal_end(), now, reason);
  } else if (closing_) {
    closing_->ended_by = reason;
    closing_->sound_until = closing_->end + kSoundAfterPictures;
  }
  commit_closing(now, true);
}

RecorderStats Recorder::Session::stats() const {
  RecorderStats stats = stats_;
  for (const auto& [id, each] : participants_) stats.clock_jumps += each.timeline.jumps();
  const std::lock_guard lock(outcome_->mutex);
  stats.committed = outcome_->committed;
  stats.failed = outcome_->failed;
  stats.uncommitted_bytes = outcome_->uncommitted_bytes;
  return stats;
}

}  // namespace streams
