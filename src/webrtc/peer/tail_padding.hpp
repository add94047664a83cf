// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.hpp"

namespace webrtc {

// When a sender that has fallen silent should send packets without payload: a receiver notices the loss of the last
// packets only when something follows them. One per sending section, owned by its Peer.
class TailPadding {
 public:
  // A frame was sent: the silence begins anew.
  void note_frame(base::Instant now);
  base::Instant next_timeout() const { return due_; }
  // True when a packet is due now; schedules the next one, with growing pauses, a few times in all.
  bool take_due(base::Instant now);

 private:
  base::Instant due_ = base::kNever;
  base::Duration pause_{};
};

}  // namespace webrtc
