// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/packet_cipher.hpp"

#include <openssl/core_names.h>

#include <algorithm>

#include "base/check.hpp"

namespace webrtc::srtp {
namespace {

int size_of(base::ByteView view) {
  return static_cast<int>(view.size());
}

// XORs the low `count` bytes of `value` into `out`, big-endian.
void xor_into(std::uint8_t* out, std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] ^= static_cast<std::uint8_t>(value >> (8 * (count - 1 - i)));
}

MacContext make_hmac_sha1(base::ByteView key) {
  const MacMethod method(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  CHECK(method != nullptr);
  MacContext mac(EVP_MAC_CTX_new(method.get()));
  char digest[] = "SHA1";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  CHECK(mac != nullptr && EVP_MAC_init(mac.get(), key.data(), key.size(), parameters) == 1);
  return mac;
}

}  // namespace

CounterModeCipher::CounterModeCipher(const SessionKeys& keys)
    : salt_(keys.salt), cipher_(EVP_CIPHER_CTX_new()), mac_(make_hmac_sha1(keys.authentication_key)) {
  CHECK(cipher_ != nullptr &&
        EVP_EncryptInit_ex(cipher_.get(), EVP_aes_128_ctr(), nullptr, keys.cipher_key.data(), nullptr) == 1);
}

// RFC 3711 4.1.1: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16.
void CounterModeCipher::apply_key_stream(const PacketPieces& pieces) {
  std::array<std::uint8_t, 16> iv{};
  std::ranges::copy(salt_, iv.begin());
  xor_into(iv.data() + 4, pieces.ssrc, 4);
  xor_into(iv.data() + 8, pieces.index, 6);
  int written = 0;
  CHECK(EVP_EncryptInit_ex(cipher_.get(), nullptr, nullptr, nullptr, iv.data()) == 1 &&
        EVP_EncryptUpdate(cipher_.get(), pieces.secret.data(), &written, pieces.secret.data(),
                          size_of(pieces.secret)) == 1);
}

void CounterModeCipher::authenticate(const PacketPieces& pieces, base::MutableByteView tag) {
  std::array<std::uint8_t, 20> digest;
  std::size_t size = 0;
  CHECK(EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1 &&
        EVP_MAC_update(mac_.get(), pieces.clear.data(), pieces.clear.size() + pieces.secret.size()) == 1 &&
        EVP_MAC_update(mac_.get(), pieces.trailer.data(), pieces.trailer.size()) == 1 &&
        EVP_MAC_final(mac_.get(), digest.data(), &size, digest.size()) == 1);
  std::copy_n(digest.begin(), tag.size(), tag.begin());
}

bool CounterModeCipher::open(const PacketPieces& pieces, base::ByteView tag) {
  std::array<std::uint8_t, tag_size(Profile::Aes128CmSha1_80)> expected;
  authenticate(pieces, expected);
  if (!base::equal_in_constant_time(expected, tag)) return false;
  apply_key_stream(pieces);
  return true;
}

void CounterModeCipher::seal(const PacketPieces& pieces, base::MutableByteView tag) {
  apply_key_stream(pieces);
  authenticate(pieces, tag);
}

GcmCipher::GcmCipher(const SessionKeys& keys) : encrypt_(EVP_CIPHER_CTX_new()), decrypt_(EVP_CIPHER_CTX_new()) {
  std::copy_n(keys.salt.begin(), salt_.size(), salt_.begin());
  fast_ = make_fast_gcm_key(keys.cipher_key);
  CHECK(encrypt_ != nullptr && decrypt_ != nullptr &&
        EVP_EncryptInit_ex(encrypt_.get(), EVP_aes_128_gcm(), nullptr, keys.cipher_key.data(), nullptr) == 1 &&
        EVP_DecryptInit_ex(decrypt_.get(), EVP_aes_128_gcm(), nullptr, keys.cipher_key.data(), nullptr) == 1);
}

// RFC 7714 8.1 and 9.1: two zero bytes, SSRC, 48 bits of index; XOR salt. SRTCP's index has 31 bits.
std::array<std::uint8_t, 12> GcmCipher::nonce_of(const PacketPieces& pieces) const {
  std::array<std::uint8_t, 12> nonce = salt_;
  xor_into(nonce.data() + 2, pieces.ssrc, 4);
  xor_into(nonce.data() + 6, pieces.index, 6);
  return nonce;
}

bool GcmCipher::open(const PacketPieces& pieces, base::ByteView tag) {
  const auto nonce = nonce_of(pieces);
  EVP_CIPHER_CTX* context = decrypt_.get();
  int written = 0;
  CHECK(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
        EVP_DecryptUpdate(context, nullptr, &written, pieces.clear.data(), size_of(pieces.clear)) == 1);
  if (!pieces.trailer.empty()) {
    CHECK(EVP_DecryptUpdate(context, nullptr, &written, pieces.trailer.data(), size_of(pieces.trailer)) == 1);
  }
  if (!pieces.secret.empty()) {
    CHECK(EVP_DecryptUpdate(context, pieces.secret.data(), &written, pieces.secret.data(), size_of(pieces.secret)) ==
          1);
  }
  // OpenSSL only reads the tag; its parameter is not const.
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, size_of(tag), const_cast<std::uint8_t*>(tag.data())) == 1);
  std::uint8_t none[16];
  return EVP_DecryptFinal_ex(context, none, &written) == 1;
}

void GcmCipher::seal(const PacketPieces& pieces, base::MutableByteView tag) {
  const auto nonce = nonce_of(pieces);
  // RTCP has a trailer that lies elsewhere (RFC 7714 9.2), and little of it is sent.
  if (fast_ && pieces.trailer.empty()) return seal_fast_gcm(*fast_, nonce, pieces.clear, pieces.secret, tag);
  EVP_CIPHER_CTX* context = encrypt_.get();
  int written = 0;
  CHECK(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
        EVP_EncryptUpdate(context, nullptr, &written, pieces.clear.data(), size_of(pieces.clear)) == 1);
  if (!pieces.trailer.empty()) {
    CHECK(EVP_EncryptUpdate(context, nullptr, &written, pieces.trailer.data(), size_of(pieces.trailer)) == 1);
  }
  if (!pieces.secret.empty()) {
    CHECK(EVP_EncryptUpdate(context, pieces.secret.data(), &written, pieces.secret.data(), size_of(pieces.secret)) ==
          1);
  }
  std::uint8_t none[16];
  CHECK(EVP_EncryptFinal_ex(context, none, &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, size_of(tag), tag.data()) == 1);
}

PacketCipher::PacketCipher(Profile profile, const SessionKeys& keys)
    : profile_(profile), cipher_([&]() -> std::variant<CounterModeCipher, GcmCipher> {
        if (profile == Profile::AeadAes128Gcm) return GcmCipher(keys);
        return CounterModeCipher(keys);
      }()) {}

bool PacketCipher::open(const PacketPieces& pieces, base::ByteView tag) {
  return std::visit([&](auto& cipher) { return cipher.open(pieces, tag); }, cipher_);
}

void PacketCipher::seal(const PacketPieces& pieces, base::MutableByteView tag) {
  std::visit([&](auto& cipher) { cipher.seal(pieces, tag); }, cipher_);
}

}  // namespace webrtc::srtp
