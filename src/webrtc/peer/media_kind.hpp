// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace webrtc {

enum class MediaKind : std::uint8_t { Video, Audio };

// As this end sees it.
enum class Direction : std::uint8_t { Inactive, SendOnly, RecvOnly, SendRecv };

}  // namespace webrtc
