// SPDX-License-Identifier: Apache-2.0
#pragma once
// Renders the sound of recordings as they are made, for whoever would rather spend the processor then than when
// somebody reads.

#include <cstdint>
#include <deque>
#include <mutex>

#include "async/shard.hpp"
#include "streams/playback.hpp"

namespace streams {

// Any thread. Owned by the process; outlives the shard's tasks, and goes before the archive that offers, which has
// nothing more to commit by then.
class SoundAhead {
 public:
  // Enough for the threads that render never to wait for the next one; readers, who use them too, wait for so few.
  static constexpr std::size_t kAtOnce = 4;
  // Minutes of what these threads can do. What does not fit is rendered when it is read.
  static constexpr std::size_t kMostWaiting = 8192;

  SoundAhead(async::Shard& shard, Playback& playback) : shard_(shard), playback_(playback) {}

  // A fragment that has been committed. Never blocks; nothing happens for one without sound to render.
  void offer(FragmentLogPtr log, const StoredFragment& fragment);

  struct Stats {
    std::size_t waiting = 0;
    std::uint64_t left_out = 0;
  };
  Stats stats() const;

 private:
  struct Waiting {
    FragmentLogPtr log;
    StoredFragment fragment;
  };
  // What waits, one after the other, until nothing does.
  async::Task<void> render_waiting();

  async::Shard& shard_;
  Playback& playback_;
  mutable std::mutex mutex_;
  std::deque<Waiting> waiting_;
  std::size_t rendering_ = 0;  // tasks
  std::uint64_t left_out_ = 0;
};

}  // namespace streams
