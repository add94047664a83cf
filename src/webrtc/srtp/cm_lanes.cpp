// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/cm_lanes.hpp"

#ifdef TIDEGATE_HAS_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#endif

#include <algorithm>

#include "base/check.hpp"

namespace webrtc::srtp {

#ifdef TIDEGATE_HAS_IPSEC_MB

struct CmLaneKeys {
  alignas(16) std::array<std::uint8_t, 16 * 11> cipher;
  alignas(16) std::array<std::uint8_t, 20> inner;  // SHA-1's state after the key's block of HMAC's inner hash
  alignas(16) std::array<std::uint8_t, 20> outer;
};

namespace {

constexpr std::size_t kSha1Block = 64;

struct FreeLanes {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

// Its lanes are scratch memory, empty between calls: one a thread. Null without AES instructions.
IMB_MGR* lanes() {
  thread_local const std::unique_ptr<IMB_MGR, FreeLanes> made = []() -> std::unique_ptr<IMB_MGR, FreeLanes> {
    std::unique_ptr<IMB_MGR, FreeLanes> manager(alloc_mb_mgr(0));
    if (manager == nullptr) return nullptr;
    IMB_ARCH arch = IMB_ARCH_NONE;
    init_mb_mgr_auto(manager.get(), &arch);
    if (arch == IMB_ARCH_NONE || (manager->features & IMB_FEATURE_AESNI) == 0) return nullptr;
    return manager;
  }();
  return made.get();
}

void hash_padded_key(base::ByteView key, std::uint8_t pad, std::array<std::uint8_t, 20>& out) {
  std::array<std::uint8_t, kSha1Block> block;
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  IMB_SHA1_ONE_BLOCK(lanes(), block.data(), out.data());
  OPENSSL_cleanse(block.data(), block.size());
}

}  // namespace

void FreeCmLaneKeys::operator()(CmLaneKeys* keys) const {
  OPENSSL_cleanse(keys, sizeof *keys);
  delete keys;
}

CmLaneKey make_cm_lane_key(base::ByteView cipher_key, base::ByteView authentication_key) {
  CHECK(cipher_key.size() == 16 && authentication_key.size() <= kSha1Block);
  if (lanes() == nullptr) return nullptr;
  CmLaneKey made(new CmLaneKeys);
  alignas(16) std::array<std::uint8_t, 16 * 11> unused;  // counter mode only encrypts
  IMB_AES_KEYEXP_128(lanes(), cipher_key.data(), made->cipher.data(), unused.data());
  OPENSSL_cleanse(unused.data(), unused.size());
  hash_padded_key(authentication_key, 0x36, made->inner);
  hash_padded_key(authentication_key, 0x5c, made->outer);
  return made;
}

void authenticate_in_lanes(std::span<CmLaneJob> jobs) {
  CHECK(jobs.size() <= kMaxLaneJobs);
  std::array<IMB_JOB, kMaxLaneJobs> rows;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    IMB_JOB& row = rows[i] = {};
    row.src = jobs[i].authenticated.data();
    row.msg_len_to_hash_in_bytes = jobs[i].authenticated.size();
    row.auth_tag_output = jobs[i].digest.data();
    row.auth_tag_output_len_in_bytes = jobs[i].digest.size();
    row.u.HMAC._hashed_auth_key_xor_ipad = jobs[i].keys->inner.data();
    row.u.HMAC._hashed_auth_key_xor_opad = jobs[i].keys->outer.data();
  }
  const auto count = static_cast<std::uint32_t>(jobs.size());
  CHECK(IMB_SUBMIT_HASH_BURST(lanes(), rows.data(), count, IMB_AUTH_HMAC_SHA_1) == count);
}

void decrypt_in_lanes(std::span<CmLaneJob> jobs) {
  CHECK(jobs.size() <= kMaxLaneJobs);
  std::array<IMB_JOB, kMaxLaneJobs> rows;
  std::uint32_t count = 0;
  for (CmLaneJob& job : jobs) {
    if (job.secret.empty()) continue;  // the library takes no empty ones
    IMB_JOB& row = rows[count++] = {};
    row.enc_keys = row.dec_keys = job.keys->cipher.data();
    row.src = row.dst = job.secret.data();
    row.msg_len_to_cipher_in_bytes = job.secret.size();
    row.iv = job.iv.data();
    row.iv_len_in_bytes = job.iv.size();
  }
  CHECK(IMB_SUBMIT_CIPHER_BURST(lanes(), rows.data(), count, IMB_CIPHER_CNTR, IMB_DIR_DECRYPT, IMB_KEY_128_BYTES) ==
        count);
}

#else

struct CmLaneKeys {};

void FreeCmLaneKeys::operator()(CmLaneKeys* keys) const {
  delete keys;
}
CmLaneKey make_cm_lane_key(base::ByteView, base::ByteView) {
  return nullptr;
}
void authenticate_in_lanes(std::span<CmLaneJob>) {
  CHECK(false);  // nobody has a key for it
}
void decrypt_in_lanes(std::span<CmLaneJob>) {
  CHECK(false);
}

#endif

}  // namespace webrtc::srtp
