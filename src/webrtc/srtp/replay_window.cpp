// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/replay_window.hpp"

namespace webrtc::srtp {

ReplayWindow::Verdict ReplayWindow::check(std::uint64_t index) const {
  if (!started_ || index > highest_) return Verdict::Fresh;
  if (highest_ - index >= kReplayWindow) return Verdict::TooOld;
  return seen(index) ? Verdict::Replayed : Verdict::Fresh;
}

void ReplayWindow::accept(std::uint64_t index) {
  if (!started_ || index > highest_) advance(index);
  words_[word_of(index)] |= std::uint64_t{1} << (index % 64);
}

// Forgets what the window slides over: the bits of (highest_, index].
void ReplayWindow::advance(std::uint64_t index) {
  if (!started_ || index - highest_ >= kReplayWindow) {
    words_.fill(0);
  } else {
    for (std::uint64_t next = highest_ + 1; next <= index; ++next) {
      words_[word_of(next)] &= ~(std::uint64_t{1} << (next % 64));
    }
  }
  highest_ = index;
  started_ = true;
}

}  // namespace webrtc::srtp
