// SPDX-License-Identifier: Apache-2.0
#include "store/sealed_secret.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/check.hpp"

namespace store {
namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

int size_of(base::ByteView bytes) {
  return static_cast<int>(bytes.size());
}

}  // namespace

std::string seal_secret(std::string_view secret, std::string_view owner, base::ByteView key, base::Random& random) {
  CHECK(key.size() == kSealingKeySize);
  const base::ByteView plain = base::as_bytes(secret);
  const base::ByteView bound = base::as_bytes(owner);
  base::Bytes sealed(kNonceSize + plain.size() + kTagSize);
  random.fill(base::MutableByteView(sealed).first(kNonceSize));
  std::uint8_t* body = sealed.data() + kNonceSize;
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  CHECK(context != nullptr);
  CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), sealed.data()) == 1);
  CHECK(EVP_EncryptUpdate(context.get(), nullptr, &size, bound.data(), size_of(bound)) == 1);
  CHECK(EVP_EncryptUpdate(context.get(), body, &size, plain.data(), size_of(plain)) == 1);
  CHECK(EVP_EncryptFinal_ex(context.get(), body + size, &size) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, body + plain.size()) == 1);
  return base::to_base64_url(sealed);
}

std::optional<std::string> open_secret(std::string_view sealed, std::string_view owner, base::ByteView key) {
  CHECK(key.size() == kSealingKeySize);
  const auto bytes = base::parse_base64_url(sealed);
  if (!bytes || bytes->size() < kNonceSize + kTagSize) return std::nullopt;
  const base::ByteView body = base::ByteView(*bytes).subspan(kNonceSize, bytes->size() - kNonceSize - kTagSize);
  const base::ByteView bound = base::as_bytes(owner);
  std::array<std::uint8_t, kTagSize> tag{};
  std::copy(bytes->end() - kTagSize, bytes->end(), tag.begin());
  base::Bytes plain(body.size());
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  CHECK(context != nullptr);
  CHECK(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes->data()) == 1);
  CHECK(EVP_DecryptUpdate(context.get(), nullptr, &size, bound.data(), size_of(bound)) == 1);
  if (EVP_DecryptUpdate(context.get(), plain.data(), &size, body.data(), size_of(body)) != 1) return std::nullopt;
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context.get(), plain.data() + size, &size) != 1) return std::nullopt;
  return std::string(base::as_text(plain));
}

}  // namespace store
