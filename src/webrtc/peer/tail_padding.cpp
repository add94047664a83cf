// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/tail_padding.hpp"

namespace webrtc {
namespace {

using std::chrono::milliseconds;

// Longer than the time between two frames of a usual camera; the pauses then double: 0.1, 0.2, 0.4, 0.8 and 1.6 s
// after the last frame.
constexpr base::Duration kFirstPause = milliseconds(100);
constexpr base::Duration kLastPause = milliseconds(800);

}  // namespace

void TailPadding::note_frame(base::Instant now) {
  pause_ = kFirstPause;
  due_ = now + pause_;
}

bool TailPadding::take_due(base::Instant now) {
  if (now < due_) return false;
  due_ = pause_ > kLastPause ? base::kNever : now + pause_;
  pause_ *= 2;
  return true;
}

}  // namespace webrtc
