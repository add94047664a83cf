// SPDX-License-Identifier: Apache-2.0
#pragma once
// From the master key that DTLS exported to the session keys of one direction (RFC 3711 4.3, RFC 7714 11).

#include <array>
#include <cstdint>

#include "base/bytes.hpp"
#include "webrtc/srtp/profile.hpp"

namespace webrtc::srtp {

enum class PacketKind { Rtp, Rtcp };

struct SessionKeys {
  std::array<std::uint8_t, kKeySize> cipher_key{};
  std::array<std::uint8_t, 14> salt{};                // AEAD_AES_128_GCM uses the first 12
  std::array<std::uint8_t, 20> authentication_key{};  // HMAC-SHA1 only
};

// `master_key` has kKeySize bytes and `master_salt` salt_size(profile). The key derivation rate is 0.
SessionKeys derive_session_keys(Profile profile, base::ByteView master_key, base::ByteView master_salt,
                                PacketKind kind);

}  // namespace webrtc::srtp
