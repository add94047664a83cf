// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/key_derivation.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.hpp"
#include "webrtc/srtp/evp_handles.hpp"

namespace webrtc::srtp {
namespace {

// Labels of RFC 3711 4.3.2.
constexpr std::uint8_t kRtpCipher = 0;
constexpr std::uint8_t kRtpAuthentication = 1;
constexpr std::uint8_t kRtpSalt = 2;
constexpr std::uint8_t kRtcpOffset = 3;

// The key stream of AES in counter mode from IV = (master salt XOR label) * 2^16 (RFC 3711 4.3.3).
void derive(base::ByteView master_key, base::ByteView master_salt, std::uint8_t label, base::MutableByteView out) {
  std::array<std::uint8_t, 16> iv{};
  std::ranges::copy(master_salt, iv.begin());  // a 12-byte salt is padded with zeros (RFC 7714 11)
  iv[7] ^= label;
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::ranges::fill(out, std::uint8_t{0});
  int written = 0;
  CHECK(context != nullptr &&
        EVP_EncryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr, master_key.data(), iv.data()) == 1 &&
        EVP_EncryptUpdate(context.get(), out.data(), &written, out.data(), static_cast<int>(out.size())) == 1);
}

}  // namespace

SessionKeys derive_session_keys(Profile profile, base::ByteView master_key, base::ByteView master_salt,
                                PacketKind kind) {
  CHECK(master_key.size() == kKeySize && master_salt.size() == salt_size(profile));
  const std::uint8_t offset = kind == PacketKind::Rtcp ? kRtcpOffset : 0;
  SessionKeys keys;
  derive(master_key, master_salt, static_cast<std::uint8_t>(kRtpCipher + offset), keys.cipher_key);
  derive(master_key, master_salt, static_cast<std::uint8_t>(kRtpAuthentication + offset), keys.authentication_key);
  derive(master_key, master_salt, static_cast<std::uint8_t>(kRtpSalt + offset), keys.salt);
  return keys;
}

}  // namespace webrtc::srtp
