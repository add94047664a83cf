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
#include "client/participant.hpp"

namespace client {

struct PublisherOptions {
  ParticipantOptions participant;
  std::optional<base::Duration> duration;
  base::Duration tail = std::chrono::seconds(2);  // after the last frame, for repair
  base::Duration fragment_poll = std::chrono::milliseconds(100);
  base::Duration fragment_wait = std::chrono::seconds(10);  // after the end
  bool quiet = false;
};

// Made and used on one shard.
class Publisher {
 public:
  Publisher(async::Shard& shard, PublisherOptions options, std::unique_ptr<MediaSource> source);

  async::Task<CameraResult> run();

 private:
  enum class Outcome { Finished, Broken };

  async::Task<base::Result<void>> publish_all();
  async::Task<Outcome> publish_while_up();
  async::Task<void> wait_until(base::Instant due);
  async::Task<void> watch_for_fragment();
  async::Task<void> finish();
  bool is_over(const MediaFrame& frame) const;
  void collect_stats();

  async::Shard& shard_;
  PublisherOptions options_;
  std::unique_ptr<MediaSource> source_;
  async::SecureRandom random_;
  async::Notify changed_;
  Participant participant_;
  CameraResult result_;
  std::optional<MediaFrame> pending_;
  base::Instant media_zero_{};  // when media time zero was, or would have been
  base::WallTime epoch_{};
  bool watching_ = false;
  bool ended_ = false;
};

}  // namespace client
