// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.hpp"
#include "streams/streaming_sessions.hpp"

namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;

// A token as a server with the same key, perhaps of another version, would have made it of any bytes.
std::string seal(base::ByteView plain, base::ByteView key) {
  base::Bytes sealed(kNonceSize + plain.size() + kTagSize);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  std::uint8_t* body = sealed.data() + kNonceSize;
  int written = 0;
  CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), sealed.data()) == 1);
  CHECK(EVP_EncryptUpdate(context.get(), body, &written, plain.data(), static_cast<int>(plain.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(context.get(), body + written, &written) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, body + plain.size()) == 1);
  return base::to_base64_url(sealed) + "~";
}

}  // namespace

// The input as a token, and as what a token of ours says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace streams;
  static const base::Bytes kKey(32, 7);
  const base::ByteView input(bytes, size);
  CHECK(!open_session(base::as_text(input), kKey));
  const auto session = open_session(seal(input, kKey), kKey);
  if (!session) return 0;
  CHECK(session->mode <= PlaybackMode::LiveReplay);
  CHECK(session->axis == TimeAxis::Server || session->axis == TimeAxis::Producer);
  CHECK(session->discontinuities <= DiscontinuityMode::OnDiscontinuity);
  base::SeededRandom random(1);
  CHECK(open_session(seal_session(*session, kKey, random), kKey) == session);
  return 0;
}
