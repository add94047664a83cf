// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/packet_cipher.hpp"

#include <openssl/core_names.h>

#include <algorithm>
#include <array>

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

// What is authenticated only, in one piece: RTCP's trailer lies elsewhere (RFC 7714 9.2).
class JoinedClear {
 public:
  explicit JoinedClear(const PacketPieces& pieces) : view_(pieces.clear) {
    if (pieces.trailer.empty()) return;
    base::MutableByteView room(here_);
    if (view_.size() + pieces.trailer.size() > room.size()) {
      elsewhere_.resize(view_.size() + pieces.trailer.size());
      room = elsewhere_;
    }
    const auto end = std::ranges::copy(view_, room.begin()).out;
    std::ranges::copy(pieces.trailer, end);
    view_ = room.first(view_.size() + pieces.trailer.size());
  }
  base::ByteView view() const { return view_; }

 private:
  std::array<std::uint8_t, 64> here_;
  base::Bytes elsewhere_;  // RTCP that is not encrypted
  base::ByteView view_;
};

}  // namespace

CounterModeCipher::CounterModeCipher(const SessionKeys& keys, Engine engine)
    : salt_(keys.salt), cipher_(EVP_CIPHER_CTX_new()), mac_(make_hmac_sha1(keys.authentication_key)) {
  CHECK(cipher_ != nullptr &&
        EVP_EncryptInit_ex(cipher_.get(), EVP_aes_128_ctr(), nullptr, keys.cipher_key.data(), nullptr) == 1);
  if (engine == Engine::Best) lanes_ = make_cm_lane_key(keys.cipher_key, keys.authentication_key);
}

// RFC 3711 4.1.1: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16.
std::array<std::uint8_t, 16> CounterModeCipher::counter_of(const PacketPieces& pieces) const {
  std::array<std::uint8_t, 16> counter{};
  std::ranges::copy(salt_, counter.begin());
  xor_into(counter.data() + 4, pieces.ssrc, 4);
  xor_into(counter.data() + 8, pieces.index, 6);
  return counter;
}

void CounterModeCipher::apply_key_stream(const PacketPieces& pieces) {
  const auto iv = counter_of(pieces);
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

GcmCipher::GcmCipher(const SessionKeys& keys, Engine engine) {
  std::copy_n(keys.salt.begin(), salt_.size(), salt_.begin());
  if (engine == Engine::Best) fast_ = make_fast_gcm_key(keys.cipher_key);
  if (fast_ != nullptr) return;
  encrypt_.reset(EVP_CIPHER_CTX_new());
  decrypt_.reset(EVP_CIPHER_CTX_new());
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
  if (fast_ == nullptr) return open_by_openssl(pieces, tag);
  const JoinedClear clear(pieces);
  return open_fast_gcm(*fast_, nonce_of(pieces), clear.view(), pieces.secret, tag);
}

void GcmCipher::seal(const PacketPieces& pieces, base::MutableByteView tag) {
  if (fast_ == nullptr) return seal_by_openssl(pieces, tag);
  const JoinedClear clear(pieces);
  seal_fast_gcm(*fast_, nonce_of(pieces), clear.view(), pieces.secret, tag);
}

bool GcmCipher::open_by_openssl(const PacketPieces& pieces, base::ByteView tag) {
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

void GcmCipher::seal_by_openssl(const PacketPieces& pieces, base::MutableByteView tag) {
  const auto nonce = nonce_of(pieces);
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

PacketCipher::PacketCipher(Profile profile, const SessionKeys& keys, Engine engine)
    : profile_(profile), cipher_([&]() -> std::variant<CounterModeCipher, GcmCipher> {
        if (profile == Profile::AeadAes128Gcm) return GcmCipher(keys, engine);
        return CounterModeCipher(keys, engine);
      }()) {}

bool PacketCipher::open(const PacketPieces& pieces, base::ByteView tag) {
  return std::visit([&](auto& cipher) { return cipher.open(pieces, tag); }, cipher_);
}

void PacketCipher::seal(const PacketPieces& pieces, base::MutableByteView tag) {
  std::visit([&](auto& cipher) { cipher.seal(pieces, tag); }, cipher_);
}

const CmLaneKeys* PacketCipher::lane_keys() const {
  const auto* cipher = std::get_if<CounterModeCipher>(&cipher_);
  return cipher == nullptr ? nullptr : cipher->lane_keys();
}

std::array<std::uint8_t, 16> PacketCipher::counter_of(const PacketPieces& pieces) const {
  return std::get<CounterModeCipher>(cipher_).counter_of(pieces);
}

void PacketCipher::prefetch() const {
  std::visit([](const auto& cipher) { cipher.prefetch(); }, cipher_);
}

}  // namespace webrtc::srtp
