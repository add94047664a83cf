// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the two halves of the raw pipeline agree on instead of by ICE, DTLS and SDP.

#include <array>
#include <cstdint>

#include "webrtc/srtp/profile.hpp"

namespace ingest {

inline constexpr std::uint8_t kVideoType = 102;
inline constexpr std::uint8_t kSoundType = 111;

// A camera has two sources: 2n sends video, 2n + 1 sound. Neither is 0.
inline std::uint32_t ssrc_of(std::uint32_t camera, bool video) {
  return 2 * (camera + 1) + (video ? 0 : 1);
}
inline std::uint32_t camera_of(std::uint32_t ssrc) {
  return ssrc / 2 - 1;
}

struct Master {
  std::array<std::uint8_t, webrtc::srtp::kKeySize> key{};
  std::array<std::uint8_t, 14> salt{};  // of it as many bytes as the profile wants
};
inline Master master_of(std::uint32_t camera) {
  Master master;
  for (std::size_t i = 0; i < master.key.size(); ++i)
    master.key[i] = static_cast<std::uint8_t>(camera >> (i % 4 * 8)) ^ 0x5a;
  for (std::size_t i = 0; i < master.salt.size(); ++i) master.salt[i] = static_cast<std::uint8_t>(camera + 17 * i);
  return master;
}

}  // namespace ingest
