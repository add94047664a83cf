// SPDX-License-Identifier: Apache-2.0
#include "streams/sound_ahead.hpp"

#include <utility>

namespace streams {

void SoundAhead::offer(FragmentLogPtr log, const StoredFragment& fragment) {
  const std::uint32_t flags = fragment.header.flags;
  if ((flags & kAudio) == 0 || (flags & kProducerDocument) != 0) return;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) {
      ++left_out_;
      return;
    }
    waiting_.push_back({std::move(log), fragment});
    if (rendering_ >= kAtOnce) return;
    ++rendering_;
  }
  shard_.spawn("rendering sound", [this] { return render_waiting(); });
}

async::Task<void> SoundAhead::render_waiting() {
  for (;;) {
    Waiting next;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        --rendering_;
        co_return;
      }
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    // What fails here the reader is told when it asks.
    (void)co_await playback_.audio(std::move(next.log), next.fragment);
  }
}

SoundAhead::Stats SoundAhead::stats() const {
  const std::lock_guard lock(mutex_);
  return {waiting_.size(), left_out_};
}

}  // namespace streams
