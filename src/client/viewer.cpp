// SPDX-License-Identifier: Apache-2.0
#include "client/viewer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/timer.hpp"
#include "base/log.hpp"
#include "client/stop.hpp"

namespace client {
namespace {

constexpr int kMaxFailures = 5;  // one after the other
constexpr base::Duration kFailurePause = std::chrono::seconds(1);
constexpr base::Duration kStopPoll = std::chrono::milliseconds(100);
constexpr base::Duration kSpeakersTail = std::chrono::seconds(1);
constexpr base::Duration kFirstSecond = std::chrono::seconds(1);

}  // namespace

Viewer::Viewer(async::Shard& shard, ViewerOptions options)
    : shard_(shard), options_(std::move(options)), changed_(shard) {
  options_.participant.link.on_event = [this](base::Instant now, const webrtc::PeerEvent& event) { note(now, event); };
  participant_ = std::make_unique<Participant>(shard_, random_, changed_, options_.participant);
  result_.client_id = options_.participant.client_id;
}

async::Task<ViewerResult> Viewer::run() {
  const auto outcome = co_await watch_all();
  collect_stats();
  if (!outcome) {
    result_.error = outcome.error().message;
  } else if (result_.pictures == 0) {
    result_.error =
        fmt::format("no picture came: does a camera publish to the channel {}?", options_.participant.channel);
  }
  co_await participant_->close();
  co_return result_;
}

async::Task<base::Result<void>> Viewer::watch_all() {
  CO_TRY_VOID(co_await participant_->prepare());
  int failures = 0;
  while (!is_done()) {
    const std::uint64_t pictures_before = result_.pictures;
    const auto connected = co_await participant_->connect();
    if (connected) co_await watch_while_up();
    if (is_done()) break;
    const std::string why = connected ? participant_->link()->why_over() : connected.error().message;
    collect_stats();
    const bool hopeless =
        !connected && connected.error().code != base::Errc::Unavailable && connected.error().code != base::Errc::Io;
    failures = result_.pictures > pictures_before ? 1 : failures + 1;
    if (hopeless || failures >= kMaxFailures)
      co_return base::fail(base::Errc::Unavailable,
                           failures > 1 ? fmt::format("{} (the last of {} failures)", why, failures) : why);
    if (!options_.quiet) base::log_warning("{}: {}: joining again", result_.client_id, why);
    co_await async::sleep_for(failures * kFailurePause);
  }
  co_return base::Result<void>();
}

async::Task<void> Viewer::watch_while_up() {
  if (!result_.timings.dtls) static_cast<JoinTimings&>(result_.timings) = participant_->timings();
  if (!options_.quiet) base::log_info("{}: connected", result_.client_id);
  if (options_.speaker) options_.speaker->begin(shard_.now(), shard_.wall_now());
  while (!is_done() && !participant_->link()->is_over()) {
    base::Instant wake = std::min(options_.until, shard_.now() + kStopPoll);
    if (options_.speaker) wake = std::min(wake, options_.speaker->speak(shard_.now(), *participant_->link()));
    co_await changed_.wait_until(wake);
  }
  // What was lost of its last words is asked for again.
  const base::Instant end = shard_.now() + (options_.speaker ? kSpeakersTail : base::Duration());
  while (shard_.now() < end && !participant_->link()->is_over()) co_await changed_.wait_until(end);
}

bool Viewer::is_done() const {
  return is_stopped() || shard_.now() >= options_.until;
}

void Viewer::note(base::Instant now, const webrtc::PeerEvent& event) {
  const auto* received = std::get_if<webrtc::FrameReceived>(&event);
  if (received == nullptr) return;
  if (received->kind == webrtc::MediaKind::Video) {
    note_picture(now, received->frame);
  } else {
    ++result_.sounds;
  }
}

void Viewer::note_picture(base::Instant now, const rtp::ReceivedFrame& picture) {
  if (!first_picture_) {
    first_picture_ = now;
    result_.timings.first_frame = now - participant_->joined_at();
  }
  ++result_.pictures;
  if (picture.frame.key_frame) ++result_.key_frames;
  freezes_.note_picture(now);
  if (now - *first_picture_ > kFirstSecond) bytes_after_first_second_ += picture.frame.payload.size();
  last_picture_ = now;
  if (options_.clock && (options_.every_picture || picture.frame.key_frame)) read_clock(picture.frame);
}

void Viewer::read_clock(const codecs::Frame& picture) {
  const base::WallTime now = shard_.wall_now();
  const auto age = options_.clock->read(picture.payload, now, !options_.every_picture);
  if (age && *age > now - participant_->joined_at_wall()) return;  // kept since before the join
  if (!age || !result_.ages.note(*age)) ++result_.unreadable;
}

// Once for each connection: the next one has statistics of its own.
void Viewer::collect_stats() {
  result_.joins = participant_->joins();
  result_.freezes = freezes_.freezes();
  result_.frozen = freezes_.frozen();
  if (options_.speaker) result_.sounds_sent = options_.speaker->packets();
  const base::Duration measured = first_picture_ ? last_picture_ - *first_picture_ - kFirstSecond : base::Duration();
  if (measured > base::Duration())
    result_.bits_per_second =
        static_cast<double>(bytes_after_first_second_) * 8 / std::chrono::duration<double>(measured).count();
  if (participant_->link() == nullptr) return;
  const rtp::ReceiverStats video = participant_->link()->stats().video_received;
  result_.packets_lost += video.lost;
  result_.packets_repaired += video.repaired;
  result_.pictures_dropped += video.incomplete_frames + video.key_frame_awaited;
}

}  // namespace client
