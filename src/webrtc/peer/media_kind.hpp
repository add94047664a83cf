// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "codecs/frame.hpp"

namespace webrtc {

using MediaKind = codecs::MediaKind;

// As this end sees it.
enum class Direction : std::uint8_t { Inactive, SendOnly, RecvOnly, SendRecv };

constexpr bool sends(Direction direction) {
  return direction == Direction::SendOnly || direction == Direction::SendRecv;
}
constexpr bool receives(Direction direction) {
  return direction == Direction::RecvOnly || direction == Direction::SendRecv;
}

}  // namespace webrtc
