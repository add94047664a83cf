// SPDX-License-Identifier: Apache-2.0
#pragma once
// What goes into a conference and what comes out.

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace conference {

// Chosen by the owner, never used again for somebody else while the conference lives.
using ParticipantId = std::uint32_t;
// One Opus packet (RFC 6716 section 3), shared by all who are sent it; never changed.
using SharedPayload = std::shared_ptr<const base::Bytes>;

inline constexpr std::int64_t kClockRate = 48'000;
// What is mixed goes out in frames of 20 ms, mono.
inline constexpr std::size_t kFrameSamples = 960;
inline constexpr base::Duration kFrameTime = std::chrono::milliseconds(20);

// One RTP packet of a participant (RFC 7587), as it arrived: repeats, overtaking and gaps are the conference's
// business.
struct AudioPacket {
  std::uint32_t ssrc = 0;  // another one than before: the sender began anew
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;  // 48 kHz
  bool marker = false;          // first packet after a pause
  SharedPayload payload;
  // -dBov of RFC 6464 (0 loudest, 127 silence), if the sender tells it.
  std::optional<std::uint8_t> audio_level{};
};

// One Opus packet for one listener. For each listener the packets come in the order in which they are to be numbered:
// sequence numbers are consecutive, whatever was lost on the way in. `timestamp` runs on one 48 kHz timeline for the
// listener's whole stay, from join()'s first_timestamp on: a packet begins where the one before it ended, or later by a
// pause or by what was lost, never earlier. One SSRC for all of it.
struct Transmit {
  ParticipantId listener = 0;
  SharedPayload payload;
  std::uint32_t timestamp = 0;
  bool marker = false;  // RFC 3550 5.1: the first after a pause
};

}  // namespace conference
