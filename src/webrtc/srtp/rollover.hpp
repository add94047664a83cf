// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace webrtc::srtp {

// The packet index (ROC * 2^16 + SEQ) nearest to the highest one so far (RFC 3711 3.3.1); nothing if that would be
// below zero. A first packet has ROC 0.
inline std::optional<std::uint64_t> estimate_index(std::optional<std::uint64_t> highest, std::uint16_t sequence) {
  if (!highest) return sequence;
  const auto ahead = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(*highest));
  const std::int64_t index = static_cast<std::int64_t>(*highest) + ahead;
  if (index < 0) return std::nullopt;
  return static_cast<std::uint64_t>(index);
}

inline std::array<std::uint8_t, 4> big_endian_32(std::uint64_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

// The ROC of an index as the tag covers it (RFC 3711 4.2).
inline std::array<std::uint8_t, 4> rollover_of(std::uint64_t index) {
  return big_endian_32(index >> 16);
}

}  // namespace webrtc::srtp
