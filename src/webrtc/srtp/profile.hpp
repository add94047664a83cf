// SPDX-License-Identifier: Apache-2.0
#pragma once
// The two SRTP protection profiles this project speaks, by their DTLS-SRTP numbers.

#include <cstddef>
#include <cstdint>

namespace webrtc::srtp {

enum class Profile : std::uint16_t {
  Aes128CmSha1_80 = 0x0001,  // RFC 3711 with RFC 5764 4.1.2
  AeadAes128Gcm = 0x0007,    // RFC 7714
};

// Whose code does the cryptography: the fastest that this machine has, or OpenSSL's, which every machine has (tests
// hold one against the other).
enum class Engine { Best, OpenSsl };

inline constexpr std::size_t kKeySize = 16;
constexpr std::size_t salt_size(Profile profile) {
  return profile == Profile::AeadAes128Gcm ? 12 : 14;
}
constexpr std::size_t tag_size(Profile profile) {
  return profile == Profile::AeadAes128Gcm ? 16 : 10;
}
// What sealing adds at most: the tag, and for RTCP the E flag with the 31-bit index.
inline constexpr std::size_t kMaxExpansion = 16 + 4;

// Streams (SSRC) that one direction keeps state for. A session has a handful; the limit bounds memory.
inline constexpr std::size_t kMaxStreams = 32;
// Packets. As long as the NACK horizon: a late repair within it opens, and a packet seen before is a replay.
inline constexpr std::size_t kReplayWindow = 4096;

}  // namespace webrtc::srtp
