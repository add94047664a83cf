// SPDX-License-Identifier: Apache-2.0
#pragma once
// The little of RTP and RTCP that SRTP must see.

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace webrtc::srtp {

struct RtpLayout {
  std::uint32_t ssrc;
  std::uint16_t sequence;
  std::size_t header_size;  // fixed part, CSRCs and extension
};

// Nothing if `packet` is not version 2 or ends within its header.
std::optional<RtpLayout> find_rtp_layout(base::ByteView packet);

// The first eight bytes of a compound RTCP packet stay clear: header and sender SSRC.
inline constexpr std::size_t kRtcpClearSize = 8;
std::optional<std::uint32_t> find_rtcp_ssrc(base::ByteView packet);

}  // namespace webrtc::srtp
