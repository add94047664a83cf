// SPDX-License-Identifier: Apache-2.0
#include "client/publisher.hpp"

#include <fmt/format.h>

#include "async/timer.hpp"
#include "base/log.hpp"
#include "base/prefetch.hpp"
#include "client/stop.hpp"

namespace client {
namespace {

// As the JavaScript page: five failures within ten minutes end it.
constexpr int kMaxFailures = 5;
constexpr base::Duration kFailureMemory = std::chrono::minutes(10);
constexpr base::Duration kFailurePause = std::chrono::seconds(1);
// Reports of the receiver come several times a second: a server that says nothing for this long is gone, well before
// its consent to receive runs out.
constexpr base::Duration kSilenceLimit = std::chrono::seconds(5);
constexpr base::Duration kLate = std::chrono::milliseconds(10);
constexpr base::Duration kHeedEvery = std::chrono::milliseconds(500);
constexpr base::Duration kStopPoll = std::chrono::milliseconds(100);

double milliseconds(std::optional<base::Duration> duration) {
  return duration ? std::chrono::duration<double, std::milli>(*duration).count() : -1;
}

}  // namespace

Publisher::Publisher(async::Shard& shard, PublisherOptions options, std::unique_ptr<MediaSource> source)
    : shard_(shard),
      source_(std::move(source)),
      options_(std::move(options)),
      changed_(shard),
      participant_(shard, random_, changed_, options_.participant) {
  result_.channel = options_.participant.channel;
  result_.stream = options_.participant.stream;
  if (!options_.pacer) options_.pacer = std::make_shared<Pacer>(shard_);
}

async::Task<CameraResult> Publisher::run() {
  const auto outcome = co_await publish_all();
  if (!outcome) result_.error = outcome.error().message;
  co_await finish();
  co_return result_;
}

async::Task<base::Result<void>> Publisher::publish_all() {
  int failures = 0;
  base::Instant first_failure = base::kNever;
  while (!is_stopped()) {
    const auto connected = co_await join();
    if (connected) {
      result_.timings = CameraTimings{participant_.timings(), {}};
      if (!options_.quiet)
        base::log_info("{}: joined in {:.0f} ms, offer {:.0f} ms, ICE {:.0f} ms, DTLS {:.0f} ms", result_.channel,
                       milliseconds(result_.timings.join), milliseconds(result_.timings.offer),
                       milliseconds(result_.timings.ice), milliseconds(result_.timings.dtls));
      if (co_await publish_while_up() == Outcome::Finished) break;
    }
    const std::string why = connected ? participant_.link()->why_over() : connected.error().message;
    collect_stats();
    if (shard_.now() - kFailureMemory > first_failure || failures == 0) {
      failures = 0;
      first_failure = shard_.now();
    }
    // What cannot get better by trying again ends it at once.
    const bool hopeless = !prepared_ || (!connected && connected.error().code != base::Errc::Unavailable &&
                                         connected.error().code != base::Errc::Io);
    if (hopeless || ++failures >= kMaxFailures)
      co_return base::fail(base::Errc::Unavailable,
                           failures > 1 ? fmt::format("{} (the last of {} failures)", why, failures) : why);
    if (!options_.quiet) base::log_warning("{}: {}: joining again", result_.channel, why);
    co_await async::sleep_for(failures * kFailurePause);
  }
  co_return base::Result<void>();
}

// Everything up to the media, of which only so many are at it at a time.
async::Task<base::Result<void>> Publisher::join() {
  const Turns::Turn turn = options_.turns ? co_await options_.turns->take() : Turns::Turn();
  if (!prepared_) CO_TRY_VOID(co_await participant_.prepare());
  prepared_ = true;
  co_return co_await participant_.connect();
}

// When the first frame is due.
base::Instant Publisher::begin_media() {
  if (!pending_) pending_ = source_->next();
  const base::Duration at = pending_ ? pending_->at : base::Duration{};
  const base::Instant now = shard_.now();
  base::Instant first = now;
  if (options_.phase) {
    const base::Duration since = (now.time_since_epoch() - *options_.phase) % options_.cycle;
    first += (options_.cycle - since) % options_.cycle;
  }
  media_zero_ = first - at;
  epoch_ = shard_.wall_now() + std::chrono::duration_cast<std::chrono::microseconds>(media_zero_ - now);
  source_->set_epoch(epoch_);
  source_->request_key_frame();
  return first;
}

async::Task<Publisher::Outcome> Publisher::publish_while_up() {
  const base::Instant first = begin_media();
  if (options_.watch_for_fragment && !std::exchange(watching_, true)) {
    shard_.spawn(fmt::format("first fragment of {}", result_.channel), [this] { return watch_for_fragment(); });
  }
  link_ = participant_.link();
  frames_over_ = !pending_;
  if (!frames_over_) options_.pacer->add(*this, first);
  while (!frames_over_ && !participant_.link()->is_over()) co_await changed_.wait();
  if (!frames_over_) options_.pacer->remove(*this);
  if (participant_.link()->is_over()) co_return Outcome::Broken;
  co_await wait_until(shard_.now() + options_.tail);
  co_return Outcome::Finished;
}

void Publisher::prefetch(int step) const {
  if (step == 0) {
    base::prefetch_between(this, &result_);
    return base::prefetch_between(&result_.video_frames, &result_ + 1);
  }
  if (step == 1) {
    base::prefetch(source_.get(), sizeof(LoopSource));
    base::prefetch(options_.participant.link.video.get());
    result_.video_sent.prefetch();
    result_.audio_sent.prefetch();
  }
  link_->prefetch(step - 1, pending_->kind());
}

base::Instant Publisher::send_due(base::Instant now) {
  PeerLink& link = *link_;
  if (now - link.last_heard() > kSilenceLimit) link.close("the server has said nothing for 5 s");
  if (!link.is_over() && !is_stopped()) {
    if (link.take_key_frame_request()) source_->request_key_frame();
    heed_bitrate(now);
    if (now - (media_zero_ + pending_->at) > kLate) ++result_.late_frames;
    link.send(now, *pending_, epoch_);
    note_sent(*pending_);
    result_.published = std::max(result_.published, pending_->at);
    pending_ = source_->next();
    if (pending_ && !is_over(*pending_)) return media_zero_ + pending_->at;
  }
  if (!link.is_over()) link.end_of_media(now);
  frames_over_ = true;
  changed_.notify_all();
  return base::kNever;
}

void Publisher::heed_bitrate(base::Instant now) {
  if (now < next_heed_) return;
  next_heed_ = now + kHeedEvery;
  if (const std::uint64_t asked = participant_.link()->asked_bitrate(); asked > 0) source_->heed_bitrate(asked);
}

void Publisher::note_sent(const MediaFrame& frame) {
  const bool video = frame.kind() == codecs::MediaKind::Video;
  ++(video ? result_.video_frames : result_.audio_frames);
  if (!frame.prepared) return;
  const LinkOptions& link = options_.participant.link;
  (video ? result_.video_sent : result_.audio_sent).note(*frame.prepared, (video ? link.video : link.sound)->frames());
}

// Until the time has come; early when the connection is over or the user has had enough.
async::Task<void> Publisher::wait_until(base::Instant due) {
  const bool was_stopped = is_stopped();
  while (shard_.now() < due && !participant_.link()->is_over() && is_stopped() == was_stopped)
    co_await changed_.wait_until(std::min(due, shard_.now() + kStopPoll));
}

// Polls ListFragments until the first fragment of this connection is there. Its failures are no failures of the
// camera: another service may not allow the call.
async::Task<void> Publisher::watch_for_fragment() {
  base::Instant deadline = base::kNever;
  while (shard_.now() < deadline) {
    if (ended_ && deadline == base::kNever) deadline = shard_.now() + options_.fragment_wait;
    const auto found = co_await participant_.has_fragment();
    if (!found || *found) {
      if (found) result_.timings.first_fragment = shard_.now() - participant_.joined_at();
      break;
    }
    co_await async::sleep_for(options_.fragment_poll);
  }
  watching_ = false;
  changed_.notify_all();
}

async::Task<void> Publisher::finish() {
  collect_stats();
  ended_ = true;
  if (!options_.quiet && result_.error.empty())
    base::log_info("{}: {} pictures and {} sound packets published", result_.channel, result_.video_frames,
                   result_.audio_frames);
  co_await participant_.close();
  while (watching_) co_await changed_.wait();
}

bool Publisher::is_over(const MediaFrame& frame) const {
  return options_.duration && frame.at >= *options_.duration;
}

void Publisher::collect_stats() {
  result_.joins = participant_.joins();
  if (participant_.link() == nullptr) return;
  const webrtc::PeerStats stats = participant_.link()->stats();
  result_.packets_sent += stats.video_sent.packets + stats.audio_sent.packets;
  result_.packets_resent += stats.video_sent.retransmitted + stats.audio_sent.retransmitted;
  result_.remb_least = stats.rtp.remb_asked_least;
  result_.key_frame_requests += participant_.link()->key_frame_requests();
}

}  // namespace client
