// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/keying_material.hpp"

#include <openssl/crypto.h>
#include <openssl/srtp.h>

#include <string_view>

namespace webrtc::dtls {
namespace {

constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";
constexpr std::size_t kKeySize = 16;

}  // namespace

std::optional<KeysReady> export_srtp_keys(SSL& ssl, Role role) {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(&ssl);
  if (selected == nullptr) return std::nullopt;
  const auto profile = static_cast<SrtpProfile>(selected->id);
  if (profile != SrtpProfile::AeadAes128Gcm && profile != SrtpProfile::Aes128CmSha1_80) return std::nullopt;
  const std::size_t salt_size = profile == SrtpProfile::AeadAes128Gcm ? 12 : 14;

  // client key | server key | client salt | server salt
  base::Bytes material(2 * (kKeySize + salt_size));
  if (SSL_export_keying_material(&ssl, material.data(), material.size(), kLabel.data(), kLabel.size(), nullptr, 0, 0) !=
      1) {
    return std::nullopt;
  }
  const auto piece = [&](std::size_t offset, std::size_t size) {
    const auto first = material.begin() + static_cast<std::ptrdiff_t>(offset);
    return base::Bytes(first, first + static_cast<std::ptrdiff_t>(size));
  };
  KeysReady keys{.profile = profile,
                 .local_key = piece(0, kKeySize),
                 .local_salt = piece(2 * kKeySize, salt_size),
                 .remote_key = piece(kKeySize, kKeySize),
                 .remote_salt = piece(2 * kKeySize + salt_size, salt_size)};
  if (role == Role::Server) {
    std::swap(keys.local_key, keys.remote_key);
    std::swap(keys.local_salt, keys.remote_salt);
  }
  OPENSSL_cleanse(material.data(), material.size());
  return keys;
}

}  // namespace webrtc::dtls
