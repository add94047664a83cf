// SPDX-License-Identifier: Apache-2.0
#include "client/speaker.hpp"

#include <utility>

namespace client {
namespace {

constexpr base::Duration kPacketTime = std::chrono::milliseconds(20);

}  // namespace

base::Result<std::shared_ptr<Speaker>> Speaker::open() {
  TRY(ToneEncoder tone, ToneEncoder::open());
  return std::shared_ptr<Speaker>(new Speaker(std::move(tone)));
}

void Speaker::begin(base::Instant now, base::WallTime wall) {
  zero_ = now;
  epoch_ = wall;
  next_ = {};
}

base::Instant Speaker::speak(base::Instant now, PeerLink& link) {
  while (zero_ + next_ <= now && link.is_up()) {
    codecs::Frame frame{codecs::CodecId::Opus, true, tone_.encode_packet()};
    link.send(now, {next_, std::make_shared<const codecs::Frame>(std::move(frame))}, epoch_);
    next_ += kPacketTime;
    ++packets_;
  }
  return zero_ + next_;
}

}  // namespace client
