// SPDX-License-Identifier: Apache-2.0
#pragma once
// The voice of a viewer: the test tone, at the pace of the clock, over whatever connection there is.

#include <cstdint>
#include <memory>

#include "base/result.hpp"
#include "base/time.hpp"
#include "client/peer_link.hpp"
#include "client/tone_encoder.hpp"

namespace client {

// Owned by one Viewer, used on its shard.
class Speaker {
 public:
  static base::Result<std::shared_ptr<Speaker>> open();

  // A connection is up: its first packet is due `now`, and that moment is `wall`.
  void begin(base::Instant now, base::WallTime wall);
  // Sends the packets that are due and says when the next one is.
  base::Instant speak(base::Instant now, PeerLink& link);
  std::uint64_t packets() const { return packets_; }

 private:
  explicit Speaker(ToneEncoder tone) : tone_(std::move(tone)) {}

  ToneEncoder tone_;
  base::Instant zero_{};
  base::WallTime epoch_{};
  base::Duration next_{};  // media time of the next packet
  std::uint64_t packets_ = 0;
};

}  // namespace client
