// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/fast_gcm.hpp"

#ifdef TIDEGATE_HAS_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#endif

#include "base/check.hpp"
#include "base/prefetch.hpp"

namespace webrtc::srtp {

#ifdef TIDEGATE_HAS_IPSEC_MB

struct FastGcmKeys {
  gcm_key_data data;
};

namespace {

// The library's functions for this processor, chosen once; null without AES instructions. They keep no state there.
const IMB_MGR* functions() {
  static const IMB_MGR* const kChosen = []() -> const IMB_MGR* {
    IMB_MGR* manager = alloc_mb_mgr(0);
    if (manager == nullptr) return nullptr;
    IMB_ARCH arch = IMB_ARCH_NONE;
    init_mb_mgr_auto(manager, &arch);
    return arch == IMB_ARCH_NONE || (manager->features & IMB_FEATURE_AESNI) == 0 ? nullptr : manager;
  }();
  return kChosen;
}

}  // namespace

void FreeFastGcmKey::operator()(FastGcmKeys* key) const {
  OPENSSL_cleanse(key, sizeof *key);
  delete key;
}

FastGcmKey make_fast_gcm_key(base::ByteView key) {
  CHECK(key.size() == IMB_GCM_128_KEY_LEN);
  if (functions() == nullptr) return nullptr;
  FastGcmKey made(new FastGcmKeys);
  IMB_AES128_GCM_PRE(functions(), key.data(), &made->data);
  return made;
}

// The round keys, and both ends of the powers of the hash key: the first are for large packets, the last for all.
void prefetch_fast_gcm(const FastGcmKeys& key) {
  constexpr std::size_t kRoundKeys = 11 * 16;
  constexpr std::size_t kLastPowers = 10 * 16;
  const auto& powers = key.data.ghash_keys.vaes_avx512.shifted_hkey;
  base::prefetch(key.data.expanded_keys, kRoundKeys);
  base::prefetch(powers, base::kCacheLine);
  base::prefetch(std::end(powers) - kLastPowers, kLastPowers);
}

void seal_fast_gcm(const FastGcmKeys& key, const std::array<std::uint8_t, 12>& nonce, base::ByteView clear,
                   base::MutableByteView secret, base::MutableByteView tag) {
  gcm_context_data context;
  IMB_AES128_GCM_ENC(functions(), &key.data, &context, secret.data(), secret.data(), secret.size(), nonce.data(),
                     clear.data(), clear.size(), tag.data(), tag.size());
}

bool open_fast_gcm(const FastGcmKeys& keys, const std::array<std::uint8_t, 12>& nonce, base::ByteView clear,
                   base::MutableByteView secret, base::ByteView tag) {
  gcm_context_data context;
  std::array<std::uint8_t, 16> expected;
  IMB_AES128_GCM_DEC(functions(), &keys.data, &context, secret.data(), secret.data(), secret.size(), nonce.data(),
                     clear.data(), clear.size(), expected.data(), expected.size());
  return base::equal_in_constant_time(expected, tag);
}

#else

struct FastGcmKeys {};

void FreeFastGcmKey::operator()(FastGcmKeys* key) const {
  delete key;
}
FastGcmKey make_fast_gcm_key(base::ByteView) {
  return nullptr;
}
void prefetch_fast_gcm(const FastGcmKeys&) {}
void seal_fast_gcm(const FastGcmKeys&, const std::array<std::uint8_t, 12>&, base::ByteView, base::MutableByteView,
                   base::MutableByteView) {
  CHECK(false);  // nobody has a key for it
}
bool open_fast_gcm(const FastGcmKeys&, const std::array<std::uint8_t, 12>&, base::ByteView, base::MutableByteView,
                   base::ByteView) {
  CHECK(false);
}

#endif

}  // namespace webrtc::srtp
