// SPDX-License-Identifier: Apache-2.0
#pragma once
// One viewer from beginning to end: connects, looks at what comes, joins again when the connection breaks.

#include <memory>
#include <optional>
#include <string>

#include "async/notify.hpp"
#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "client/clock_reader.hpp"
#include "client/participant.hpp"
#include "client/speaker.hpp"
#include "client/viewing.hpp"

namespace client {

struct ViewerOptions {
  ParticipantOptions participant;
  base::Instant until = base::kNever;
  bool quiet = false;
  // null: no clock is read. `every_picture`: the reader is this viewer's alone; else only key frames are read.
  std::shared_ptr<ClockReader> clock;
  bool every_picture = false;
  std::shared_ptr<Speaker> speaker;  // null: it says nothing
};

// Made and used on one shard.
class Viewer {
 public:
  Viewer(async::Shard& shard, ViewerOptions options);

  async::Task<ViewerResult> run();

 private:
  async::Task<base::Result<void>> watch_all();
  async::Task<void> watch_while_up();
  async::Task<void> wait_until(base::Instant due);
  bool is_done() const;
  void note(base::Instant now, const webrtc::PeerEvent& event);
  void note_picture(base::Instant now, const rtp::ReceivedFrame& picture);
  void read_clock(const codecs::Frame& picture);
  void collect_stats();

  async::Shard& shard_;
  ViewerOptions options_;
  async::SecureRandom random_;
  async::Notify changed_;
  std::unique_ptr<Participant> participant_;
  ViewerResult result_;
  FreezeMeter freezes_;
  std::optional<base::Instant> first_picture_;
  base::Instant last_picture_{};
  std::uint64_t bytes_after_first_second_ = 0;
};

}  // namespace client
