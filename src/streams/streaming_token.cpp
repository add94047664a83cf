// SPDX-License-Identifier: Apache-2.0
// Session tokens: AES-256-GCM, so that a client can neither read nor change what its session may play.

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/check.hpp"
#include "streams/streaming_sessions.hpp"

namespace streams {
namespace {

constexpr std::uint8_t kVersion = 4;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kKeySize = 32;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

base::Bytes encode(const StreamingSession& session) {
  base::Bytes out;
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  writer.u64(session.stream.id);
  writer.u32(session.stream.generation);
  writer.u8(static_cast<std::uint8_t>(session.mode));
  writer.u8(static_cast<std::uint8_t>(session.axis));
  writer.u8(static_cast<std::uint8_t>(session.discontinuities));
  writer.u8((session.show_timestamps ? 1U : 0U) | (session.audio ? 2U : 0U) | (session.video ? 4U : 0U) |
            (session.show_numbers ? 8U : 0U) | (session.mpeg_ts ? 16U : 0U));
  writer.u32(session.max_fragments);
  for (const base::WallTime time : {session.from, session.to, session.origin, session.expires}) {
    writer.u64(static_cast<std::uint64_t>(base::to_microseconds(time)));
  }
  writer.u64(session.first.value);
  writer.u32(static_cast<std::uint32_t>(session.target_duration.count()));
  writer.u32(static_cast<std::uint32_t>(session.part_target.count()));
  writer.u8(static_cast<std::uint8_t>(session.owner.size()));
  writer.text(session.owner);
  return out;
}

std::optional<StreamingSession> decode(base::ByteView plain) {
  base::ByteReader reader(plain);
  if (reader.u8() != kVersion) return std::nullopt;
  StreamingSession session;
  session.stream.id = reader.u64();
  session.stream.generation = reader.u32();
  session.mode = static_cast<PlaybackMode>(reader.u8());
  session.axis = static_cast<TimeAxis>(reader.u8());
  session.discontinuities = static_cast<DiscontinuityMode>(reader.u8());
  const std::uint8_t flags = reader.u8();
  session.show_timestamps = (flags & 1U) != 0;
  session.audio = (flags & 2U) != 0;
  session.video = (flags & 4U) != 0;
  session.show_numbers = (flags & 8U) != 0;
  session.mpeg_ts = (flags & 16U) != 0;
  session.max_fragments = reader.u32();
  for (base::WallTime* time : {&session.from, &session.to, &session.origin, &session.expires}) {
    *time = base::from_microseconds(static_cast<std::int64_t>(reader.u64()));
  }
  session.first.value = reader.u64();
  session.target_duration = std::chrono::seconds(reader.u32());
  session.part_target = std::chrono::milliseconds(reader.u32());
  const std::size_t owner_size = reader.u8();
  session.owner = base::as_text(reader.take(owner_size));
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  const bool is_known = session.mode <= PlaybackMode::LiveReplay && session.axis <= TimeAxis::Producer &&
                        session.discontinuities <= DiscontinuityMode::OnDiscontinuity;
  if (!is_known) return std::nullopt;
  return session;
}

}  // namespace

std::string seal_session(const StreamingSession& session, base::ByteView key, base::Random& random) {
  CHECK(key.size() == kKeySize);
  CHECK(session.owner.size() <= kMostOwnerBytes);
  const base::Bytes plain = encode(session);
  base::Bytes sealed(kNonceSize + plain.size() + kTagSize);
  random.fill(base::MutableByteView(sealed).first(kNonceSize));
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  std::uint8_t* body = sealed.data() + kNonceSize;
  CHECK(context != nullptr);
  CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), sealed.data()) == 1);
  CHECK(EVP_EncryptUpdate(context.get(), body, &size, plain.data(), static_cast<int>(plain.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(context.get(), body + size, &size) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, body + plain.size()) == 1);
  return base::to_base64_url(sealed) + "~";
}

std::optional<StreamingSession> open_session(std::string_view token, base::ByteView key) {
  CHECK(key.size() == kKeySize);
  if (token.empty() || token.size() > 1024 || token.back() != '~') return std::nullopt;
  const std::optional<base::Bytes> sealed = base::parse_base64_url(token.substr(0, token.size() - 1));
  if (!sealed || sealed->size() < kNonceSize + kTagSize) return std::nullopt;
  const base::ByteView body = base::ByteView(*sealed).subspan(kNonceSize, sealed->size() - kNonceSize - kTagSize);
  std::array<std::uint8_t, kTagSize> tag{};
  std::copy(sealed->end() - kTagSize, sealed->end(), tag.begin());
  base::Bytes plain(body.size());
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  CHECK(context != nullptr);
  CHECK(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), sealed->data()) == 1);
  if (EVP_DecryptUpdate(context.get(), plain.data(), &size, body.data(), static_cast<int>(body.size())) != 1)
    return std::nullopt;
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context.get(), plain.data() + size, &size) != 1) return std::nullopt;
  return decode(plain);
}

}  // namespace streams
