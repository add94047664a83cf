// SPDX-License-Identifier: Apache-2.0
#pragma once
// One camera from beginning to end: connects, publishes its source at the pace of the media, rejoins when the
// connection breaks, stays until the last packets can be repaired.

#include <memory>
#include <optional>

#include "async/notify.hpp"
#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "client/camera.hpp"
#include "client/media_source.hpp"
#include "client/pacer.hpp"
#include "client/participant.hpp"
#include "client/turns.hpp"

namespace client {

struct PublisherOptions {
  ParticipantOptions participant;
  std::optional<base::Duration> duration;
  base::Duration tail = std::chrono::seconds(2);  // after the last frame, for repair
  base::Duration fragment_poll = std::chrono::milliseconds(100);
  base::Duration fragment_wait = std::chrono::seconds(10);  // after the end
  bool watch_for_fragment = true;
  // Media begins when the clock stands so far behind a multiple of `cycle`: many cameras then send evenly, and their
  // key frames too. Absent: at once.
  std::optional<base::Duration> phase;
  base::Duration cycle = std::chrono::seconds(2);
  std::shared_ptr<Pacer> pacer{};  // of the shard; null: the publisher makes its own
  std::shared_ptr<Turns> turns{};  // those who may join at a time; null: no limit
  bool quiet = false;
};

// Made and used on one shard.
class Publisher final : private Paced {
 public:
  Publisher(async::Shard& shard, PublisherOptions options, std::unique_ptr<MediaSource> source);

  async::Task<CameraResult> run();

 private:
  enum class Outcome { Finished, Broken };

  async::Task<base::Result<void>> publish_all();
  async::Task<base::Result<void>> join();
  async::Task<Outcome> publish_while_up();
  base::Instant send_due(base::Instant now) override;
  void prefetch(int step) const override;
  base::Instant begin_media();
  void heed_bitrate(base::Instant now);
  void note_sent(const MediaFrame& frame);
  async::Task<void> wait_until(base::Instant due);
  async::Task<void> watch_for_fragment();
  async::Task<void> finish();
  bool is_over(const MediaFrame& frame) const;
  void collect_stats();

  async::Shard& shard_;
  // What each frame looks at comes first, side by side.
  std::unique_ptr<MediaSource> source_;
  std::optional<MediaFrame> pending_;
  PeerLink* link_ = nullptr;    // the participant's, while it is up
  base::Instant next_heed_{};   // when to look what bit rate is asked for
  base::Instant media_zero_{};  // when media time zero was, or would have been
  base::WallTime epoch_{};
  bool frames_over_ = false;  // of this connection: all sent, or it broke, or the process stops
  CameraResult result_;
  PublisherOptions options_;
  async::SecureRandom random_;
  async::Notify changed_;
  Participant participant_;
  bool prepared_ = false;
  bool watching_ = false;
  bool ended_ = false;
};

}  // namespace client
