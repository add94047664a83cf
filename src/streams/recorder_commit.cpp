// SPDX-License-Identifier: Apache-2.0
// What goes out: closing a fragment, waiting for its audio, handing it to the log.
#include <algorithm>
#include <utility>

#include "streams/recorder_session.hpp"

namespace streams {
namespace {

// Room that is made beforehand for one fragment; more is made as it comes.
constexpr std::size_t kMostExpectedFrames = 4096;

}  // namespace

std::optional<Recorder::Session::Pause> Recorder::Session::pause_since_last_session() const {
  const auto before = log_->recorded_until();
  if (!before) return std::nullopt;
  return Pause{.reason = before->gap_reason, .from = before->producer_end, .since_last_session = true};
}

base::WallTime Recorder::Session::nominal_end() const {
  base::WallTime last = open_->start;
  for (const HeldFrame& frame : open_->video.frames()) last = std::max(last, frame.time);
  return last + frame_time_;
}

// `end` by settled times, or nominal_end(), which moves along when the timeline is settled here.
base::WallTime Recorder::Session::close(base::WallTime end, base::Instant now, std::optional<GapReason> pauses) {
  const auto nominal = end - open_->start;
  if (!master_.timeline.is_settled()) {
    settle();
    end = open_->start + nominal;
  }
  if (closing_) commit_closing(now, true);
  open_->end = end;
  // Sound that came beside the last pictures has no other fragment: after a rest it would lie far before the next one.
  const bool is_last = finished_ || pauses == GapReason::Overload;
  open_->sound_until = is_last ? end + kSoundAfterPictures : end;
  expected_frames_ = std::min(open_->video.size() + open_->video.size() / 8, kMostExpectedFrames);
  closing_ = std::make_unique<OpenFragment>(*std::exchange(open_, std::nullopt));
  closing_->gap_before = gap_before(closing_->start);
  closing_->ended_by = pauses;
  closed_ = now;
  show(now);
  commit_closing(now, false);
  return end;
}

// What is missing before the fragment that starts here: the pause, and fragments that never became durable.
std::optional<Gap> Recorder::Session::gap_before(base::WallTime start) {
  std::optional<Gap> gap;
  // Its last fragment may have been refused since we began.
  if (pause_ && pause_->since_last_session) pause_ = pause_since_last_session();
  if (pause_ && pause_->first_frame) {
    const HeldFrame& frame = *pause_->first_frame;
    pause_->from = master_.timeline.time_of(MediaKind::Video, frame.rtp, frame.rate);
  }
  if (pause_ && start > pause_->from) gap = Gap{pause_->reason, pause_->from, start};
  pause_.reset();
  const std::lock_guard lock(outcome_->mutex);
  if (outcome_->lost) {
    // The earlier reason names the gap when both meet.
    const Gap lost = *std::exchange(outcome_->lost, std::nullopt);
    gap = Gap{lost.reason, std::min(lost.from, gap ? gap->from : lost.from),
              gap ? gap->to : std::max(lost.to, lost.from)};
  }
  return gap;
}

// Each participant's packets come in order: who has sent past the end has sent all that belongs to it. Whose sound lies
// further back than is waited for sends by another clock, and nothing is gained by waiting.
bool Recorder::Session::audio_is_complete(base::Instant now) const {
  return std::ranges::all_of(participants_, [&](const auto& each) {
    const Participant& who = each.second;
    const bool sends = who.has_sent_audio && now - who.audio_arrived < options_.audio_grace;
    return !sends || who.audio_end >= closing_->end || closing_->end - who.audio_end > options_.audio_grace;
  });
}

void Recorder::Session::commit_closing(base::Instant now, bool in_any_case) {
  if (!closing_) return;
  if (!in_any_case && now - closed_ < options_.audio_grace && !audio_is_complete(now)) return;
  OpenFragment fragment = std::move(*closing_);
  closing_.reset();
  commit(std::move(fragment));
}

std::uint32_t Recorder::Session::flags_of(const OpenFragment& fragment) {
  std::uint32_t flags = 0;
  if (fragment.dependent) flags |= kDependent;
  if (master_.timeline.clock() == Timeline::Clock::Arrival) flags |= kArrivalClock;
  if (master_.timeline.clock() == Timeline::Clock::Replaced) flags |= kClockReplaced;
  if (next_audio_track_ > 2) flags |= kAudio;
  return flags;
}

void Recorder::Session::commit(OpenFragment fragment) {
  const base::WallTime start = fragment.start;
  FragmentDraft draft;
  draft.producer_time = start;
  draft.server_time = fragment.server_time;
  draft.duration = fragment.end - start;
  draft.gap_before = fragment.gap_before;
  draft.codec_fingerprint = fingerprint_of(fragment.avcc);
  draft.ended_by = fragment.ended_by;
  draft.flags = flags_of(fragment);
  const std::size_t size = fragment.video.bytes();
  const std::size_t frames = fragment.video.size();
  const FragmentNumber number = fragment.number;
  {
    const std::lock_guard lock(outcome_->mutex);
    const bool too_slow = outcome_->uncommitted_bytes + size > options_.max_uncommitted_bytes;
    group_dropped_ = too_slow || (fragment.dependent && group_dropped_);
    if (group_dropped_) {
      const base::WallTime from = fragment.gap_before ? fragment.gap_before->from : start;
      outcome_->lost =
          Gap{GapReason::DiskSlow, outcome_->lost ? std::min(outcome_->lost->from, from) : from, fragment.end};
    } else {
      outcome_->uncommitted_bytes += size;
      ++outcome_->uncommitted;
    }
  }
  if (group_dropped_) {
    stats_.dropped_disk_slow += frames;
    stats_.video_frames -= frames;
    log_->abandon(number);
    return;
  }
  draft.payload = std::make_shared<const base::Bytes>(write_document(fragment, participants_, stats_.dropped_audio));
  ++stats_.fragments;
  const Gap lost{GapReason::DiskSlow, fragment.gap_before ? fragment.gap_before->from : start, fragment.end};
  log_->commit(
      number, std::move(draft),
      [outcome = outcome_, size, lost, ordinal = stats_.fragments](const base::Result<StoredFragment>& result) {
        {
          const std::lock_guard lock(outcome->mutex);
          outcome->uncommitted_bytes -= size;
          --outcome->uncommitted;
          if (result) {
            ++outcome->committed;
            outcome->newest_durable = std::max(outcome->newest_durable, ordinal);
          } else {
            ++outcome->failed;
            const auto& known = outcome->lost;
            outcome->lost = Gap{lost.reason, known ? std::min(known->from, lost.from) : lost.from,
                                known ? std::max(known->to, lost.to) : lost.to};
          }
        }
        outcome->answered.notify_all();
      });
}

}  // namespace streams
