// SPDX-License-Identifier: Apache-2.0
#include "ingest/raw_open.hpp"

#include <intel-ipsec-mb.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/check.hpp"
#include "ingest/raw_keys.hpp"
#include "webrtc/srtp/key_derivation.hpp"

namespace ingest {
namespace {

using webrtc::srtp::Profile;
using webrtc::srtp::SessionKeys;

IMB_MGR* make_functions() {
  IMB_MGR* functions = alloc_mb_mgr(0);
  CHECK(functions != nullptr);
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(functions, &arch);
  CHECK(arch != IMB_ARCH_NONE);
  return functions;
}

SessionKeys keys_of(Profile profile, std::uint32_t camera) {
  const Master master = master_of(camera);
  return derive_session_keys(profile, master.key, base::ByteView(master.salt).first(webrtc::srtp::salt_size(profile)),
                             webrtc::srtp::PacketKind::Rtp);
}

class GcmOpener final : public RawOpener {
 public:
  explicit GcmOpener(std::uint32_t cameras) : functions_(make_functions()), cameras_(cameras) {
    for (std::uint32_t i = 0; i < cameras; ++i) {
      const SessionKeys keys = keys_of(Profile::AeadAes128Gcm, i);
      IMB_AES128_GCM_PRE(functions_, keys.cipher_key.data(), &cameras_[i].key);
      std::memcpy(cameras_[i].salt.data(), keys.salt.data(), 12);
    }
  }

  void open(std::span<Packet> packets) override {
    for (Packet& packet : packets) {
      const Camera& camera = cameras_[packet.camera];
      std::array<std::uint8_t, 12> nonce = camera.salt;
      for (std::size_t i = 0; i < 4; ++i) nonce[2 + i] ^= packet.bytes[8 + i];   // SSRC
      for (std::size_t i = 0; i < 2; ++i) nonce[10 + i] ^= packet.bytes[2 + i];  // sequence; the roll-over is 0
      const std::size_t secret = packet.bytes.size() - packet.header_size - 16;
      std::uint8_t* const at = packet.bytes.data() + packet.header_size;
      std::array<std::uint8_t, 16> tag;
      gcm_context_data context;
      IMB_AES128_GCM_DEC(functions_, &camera.key, &context, at, at, secret, nonce.data(), packet.bytes.data(),
                         packet.header_size, tag.data(), tag.size());
      packet.opened = std::memcmp(tag.data(), at + secret, tag.size()) == 0;
    }
  }

 private:
  struct Camera {
    alignas(64) gcm_key_data key;
    std::array<std::uint8_t, 12> salt;
  };
  IMB_MGR* functions_;
  std::vector<Camera> cameras_;
};

// HMAC-SHA1 and AES-CM of many packets at once.
class CounterModeOpener final : public RawOpener {
 public:
  explicit CounterModeOpener(std::uint32_t cameras) : functions_(make_functions()), cameras_(cameras) {
    for (std::uint32_t i = 0; i < cameras; ++i) {
      const SessionKeys keys = keys_of(Profile::Aes128CmSha1_80, i);
      Camera& camera = cameras_[i];
      camera.salt = keys.salt;
      alignas(16) std::array<std::uint32_t, 60> decrypt;
      IMB_AES_KEYEXP_128(functions_, keys.cipher_key.data(), camera.key.data(), decrypt.data());
      std::array<std::uint8_t, 64> block;
      for (const auto& [pad, digest] :
           {std::pair{std::uint8_t{0x36}, &camera.inner}, {std::uint8_t{0x5c}, &camera.outer}}) {
        block.fill(pad);
        for (std::size_t k = 0; k < keys.authentication_key.size(); ++k) block[k] ^= keys.authentication_key[k];
        IMB_SHA1_ONE_BLOCK(functions_, block.data(), digest->data());
      }
    }
  }

  void open(std::span<Packet> packets) override {
    work_.resize(packets.size());
    for (std::size_t i = 0; i < packets.size(); ++i) submit(packets, i);
    while (IMB_JOB* done = IMB_FLUSH_JOB(functions_)) finish(packets, *done);
  }

 private:
  static constexpr std::size_t kTag = 10;
  struct Camera {
    alignas(16) std::array<std::uint32_t, 60> key;
    std::array<std::uint8_t, 14> salt;
    alignas(16) std::array<std::uint8_t, 20> inner, outer;
  };
  struct Work {
    alignas(16) std::array<std::uint8_t, 16> iv;
    std::array<std::uint8_t, kTag> received;
    std::array<std::uint8_t, 12> computed;
  };

  void submit(std::span<Packet> packets, std::size_t number) {
    Packet& packet = packets[number];
    Camera& camera = cameras_[packet.camera];
    Work& work = work_[number];
    work.iv.fill(0);
    std::memcpy(work.iv.data(), camera.salt.data(), 14);
    for (std::size_t i = 0; i < 4; ++i) work.iv[4 + i] ^= packet.bytes[8 + i];
    for (std::size_t i = 0; i < 2; ++i) work.iv[12 + i] ^= packet.bytes[2 + i];
    const std::size_t plain = packet.bytes.size() - kTag;
    std::memcpy(work.received.data(), packet.bytes.data() + plain, kTag);
    std::memset(packet.bytes.data() + plain, 0, 4);  // the roll-over counter, which the tag covers
    IMB_JOB* job = IMB_GET_NEXT_JOB(functions_);
    *job = {};
    job->cipher_direction = IMB_DIR_DECRYPT;
    job->chain_order = IMB_ORDER_HASH_CIPHER;
    job->cipher_mode = IMB_CIPHER_CNTR;
    job->hash_alg = IMB_AUTH_HMAC_SHA_1;
    job->enc_keys = camera.key.data();
    job->dec_keys = camera.key.data();
    job->key_len_in_bytes = 16;
    job->iv = work.iv.data();
    job->iv_len_in_bytes = 16;
    job->src = packet.bytes.data();
    job->dst = packet.bytes.data() + packet.header_size;
    job->cipher_start_src_offset_in_bytes = packet.header_size;
    job->msg_len_to_cipher_in_bytes = plain - packet.header_size;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = plain + 4;
    job->u.HMAC._hashed_auth_key_xor_ipad = camera.inner.data();
    job->u.HMAC._hashed_auth_key_xor_opad = camera.outer.data();
    job->auth_tag_output = work.computed.data();
    job->auth_tag_output_len_in_bytes = work.computed.size();
    job->user_data = reinterpret_cast<void*>(number);
    for (IMB_JOB* done = IMB_SUBMIT_JOB(functions_); done != nullptr; done = IMB_GET_COMPLETED_JOB(functions_))
      finish(packets, *done);
  }

  void finish(std::span<Packet> packets, const IMB_JOB& job) {
    const auto number = reinterpret_cast<std::size_t>(job.user_data);
    const Work& work = work_[number];
    packets[number].opened =
        job.status == IMB_STATUS_COMPLETED && std::memcmp(work.received.data(), work.computed.data(), kTag) == 0;
  }

  IMB_MGR* functions_;
  std::vector<Camera> cameras_;
  std::vector<Work> work_;
};

}  // namespace

std::unique_ptr<RawOpener> make_raw_opener(Profile profile, std::uint32_t cameras) {
  if (profile == Profile::AeadAes128Gcm) return std::make_unique<GcmOpener>(cameras);
  return std::make_unique<CounterModeOpener>(cameras);
}

}  // namespace ingest
