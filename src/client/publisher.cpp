// SPDX-License-Identifier: Apache-2.0
#include "client/publisher.hpp"

#include <fmt/format.h>

#include "async/timer.hpp"
#include "base/log.hpp"
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
constexpr base::Duration kStopPoll = std::chrono::milliseconds(100);

double milliseconds(std::optional<base::Duration> duration) {
  return duration ? std::chrono::duration<double, std::milli>(*duration).count() : -1;
}

}  // namespace

Publisher::Publisher(async::Shard& shard, PublisherOptions options, std::unique_ptr<MediaSource> source)
    : shard_(shard),
      options_(std::move(options)),
      source_(std::move(source)),
      changed_(shard),
      participant_(shard, random_, changed_, options_.participant) {
  result_.channel = options_.participant.channel;
}

async::Task<CameraResult> Publisher::run() {
  const auto outcome = co_await publish_all();
  if (!outcome) result_.error = outcome.error().message;
  co_await finish();
  co_return result_;
}

async::Task<base::Result<void>> Publisher::publish_all() {
  CO_TRY_VOID(co_await participant_.prepare());
  int failures = 0;
  base::Instant first_failure = base::kNever;
  while (!is_stopped()) {
    const auto connected = co_await participant_.connect();
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
    const bool hopeless =
        !connected && connected.error().code != base::Errc::Unavailable && connected.error().code != base::Errc::Io;
    if (hopeless || ++failures >= kMaxFailures)
      co_return base::fail(base::Errc::Unavailable,
                           failures > 1 ? fmt::format("{} (the last of {} failures)", why, failures) : why);
    if (!options_.quiet) base::log_warning("{}: {}: joining again", result_.channel, why);
    co_await async::sleep_for(failures * kFailurePause);
  }
  co_return base::Result<void>();
}

async::Task<Publisher::Outcome> Publisher::publish_while_up() {
  if (!pending_) pending_ = source_->next();
  const base::Duration at = pending_ ? pending_->at : base::Duration{};
  media_zero_ = shard_.now() - at;
  epoch_ = shard_.wall_now() - std::chrono::duration_cast<std::chrono::microseconds>(at);
  source_->set_epoch(epoch_);
  source_->request_key_frame();
  if (!std::exchange(watching_, true)) {
    shard_.spawn(fmt::format("first fragment of {}", result_.channel), [this] { return watch_for_fragment(); });
  }
  while (pending_ && !is_over(*pending_)) {
    co_await wait_until(media_zero_ + pending_->at);
    PeerLink& link = *participant_.link();
    if (shard_.now() - link.last_heard() > kSilenceLimit) link.close("the server has said nothing for 5 s");
    if (link.is_over()) co_return Outcome::Broken;
    if (is_stopped()) break;
    if (link.take_key_frame_request()) source_->request_key_frame();
    link.send(*pending_, epoch_);
    auto& count = pending_->kind() == codecs::MediaKind::Video ? result_.video_frames : result_.audio_frames;
    ++count;
    result_.published = std::max(result_.published, pending_->at);
    pending_ = source_->next();
  }
  co_await wait_until(shard_.now() + options_.tail);
  co_return Outcome::Finished;
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
  result_.key_frame_requests += participant_.link()->key_frame_requests();
}

}  // namespace client
