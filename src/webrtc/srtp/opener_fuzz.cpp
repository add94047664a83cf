// SPDX-License-Identifier: Apache-2.0
// First byte: profile. Then packets, each behind a two-byte length: opened as they are, and sealed and opened again,
// which must give them back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "webrtc/srtp/opener.hpp"
#include "webrtc/srtp/sealer.hpp"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace webrtc::srtp;
  base::ByteReader reader({bytes, size});
  const Profile profile = reader.u8() % 2 == 0 ? Profile::AeadAes128Gcm : Profile::Aes128CmSha1_80;
  const base::Bytes key(kKeySize, 1);
  const base::Bytes salt(salt_size(profile), 2);
  Opener opener(profile, key, salt);
  while (reader.ok() && reader.remaining() > 0) {
    const base::ByteView packet = reader.take(reader.u16());
    base::Bytes rtp(packet.begin(), packet.end());
    base::Bytes rtcp = rtp;
    opener.open_rtp(rtp);
    opener.open_rtcp(rtcp);

    Sealer sealer(profile, key, salt);
    Opener fresh(profile, key, salt);
    rtp.assign(packet.begin(), packet.end());
    rtcp = rtp;
    if (sealer.seal_rtp(rtp)) {
      const auto plain = fresh.open_rtp(rtp);
      demand(plain.has_value() && std::ranges::equal(*plain, packet));
    }
    if (sealer.seal_rtcp(rtcp)) {
      const auto plain = fresh.open_rtcp(rtcp);
      demand(plain.has_value() && std::ranges::equal(*plain, packet));
    }
  }
  return 0;
}
