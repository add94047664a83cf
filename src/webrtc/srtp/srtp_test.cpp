// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/random.hpp"
#include "webrtc/srtp/key_derivation.hpp"
#include "webrtc/srtp/opener.hpp"
#include "webrtc/srtp/packet_cipher.hpp"
#include "webrtc/srtp/packet_layout.hpp"
#include "webrtc/srtp/replay_window.hpp"
#include "webrtc/srtp/rollover.hpp"
#include "webrtc/srtp/sealer.hpp"

namespace webrtc::srtp {
namespace {

base::Bytes hex(std::string text) {
  std::erase(text, ' ');
  return base::parse_hex(text).value();
}

template <std::size_t N>
std::array<std::uint8_t, N> hex_array(const std::string& text) {
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(hex(text), out.begin());
  return out;
}

// Each profile by the fastest code of this machine and by OpenSSL's.
struct Suite {
  Profile profile;
  Engine engine = Engine::Best;
};
constexpr Suite kSuites[] = {{Profile::Aes128CmSha1_80, Engine::Best},
                             {Profile::Aes128CmSha1_80, Engine::OpenSsl},
                             {Profile::AeadAes128Gcm, Engine::Best},
                             {Profile::AeadAes128Gcm, Engine::OpenSsl}};

// RFC 3711 B.3.
const base::Bytes kMasterKey = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
const base::Bytes kMasterSalt = hex("0EC675AD498AFEEBB6960B3AABE6");

base::Bytes master_salt(Profile profile) {
  return {kMasterSalt.begin(), kMasterSalt.begin() + static_cast<std::ptrdiff_t>(salt_size(profile))};
}
Opener make_opener(Suite suite) {
  return {suite.profile, kMasterKey, master_salt(suite.profile), suite.engine};
}
Sealer make_sealer(Suite suite) {
  return {suite.profile, kMasterKey, master_salt(suite.profile), suite.engine};
}

base::Bytes make_rtp(std::uint16_t sequence, std::uint32_t ssrc = 0xcafebabe, std::size_t payload = 40) {
  base::Bytes packet;
  base::ByteWriter writer(packet);
  writer.u16(0x8060);
  writer.u16(sequence);
  writer.u32(sequence * 3000U);
  writer.u32(ssrc);
  for (std::size_t i = 0; i < payload; ++i) writer.u8((sequence + i) & 0xff);
  return packet;
}

base::Bytes make_rtcp(std::uint32_t ssrc = 0xcafebabe, std::size_t words = 5) {
  base::Bytes packet;
  base::ByteWriter writer(packet);
  writer.u16(0x80c8);
  writer.u16(words + 1);
  writer.u32(ssrc);
  for (std::size_t i = 0; i < words; ++i) writer.u32(i * 0x01010101U);
  return packet;
}

base::Bytes sealed_rtp(Sealer& sealer, base::Bytes packet) {
  EXPECT_TRUE(sealer.seal_rtp(packet));
  return packet;
}
base::Bytes sealed_rtcp(Sealer& sealer, base::Bytes packet) {
  EXPECT_TRUE(sealer.seal_rtcp(packet));
  return packet;
}

std::optional<base::Bytes> opened_rtp(Opener& opener, base::Bytes packet) {
  const auto plain = opener.open_rtp(packet);
  if (!plain) return std::nullopt;
  return base::Bytes(plain->begin(), plain->end());
}
std::optional<base::Bytes> opened_rtcp(Opener& opener, base::Bytes packet) {
  const auto plain = opener.open_rtcp(packet);
  if (!plain) return std::nullopt;
  return base::Bytes(plain->begin(), plain->end());
}

TEST(KeyDerivation, Rfc3711B3) {
  const SessionKeys keys = derive_session_keys(Profile::Aes128CmSha1_80, kMasterKey, kMasterSalt, PacketKind::Rtp);
  EXPECT_EQ(base::to_hex(keys.cipher_key), "c61e7a93744f39ee10734afe3ff7a087");
  EXPECT_EQ(base::to_hex(keys.salt), "30cbbc08863d8c85d49db34a9ae1");
  EXPECT_EQ(base::to_hex(keys.authentication_key), "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
}

TEST(KeyDerivation, RtcpKeysDiffer) {
  const SessionKeys rtp = derive_session_keys(Profile::Aes128CmSha1_80, kMasterKey, kMasterSalt, PacketKind::Rtp);
  const SessionKeys rtcp = derive_session_keys(Profile::Aes128CmSha1_80, kMasterKey, kMasterSalt, PacketKind::Rtcp);
  EXPECT_NE(rtp.cipher_key, rtcp.cipher_key);
  EXPECT_NE(rtp.salt, rtcp.salt);
  EXPECT_NE(rtp.authentication_key, rtcp.authentication_key);
}

TEST(CounterModeCipher, Rfc3711B2KeyStream) {
  SessionKeys keys;
  keys.cipher_key = hex_array<16>("2B7E151628AED2A6ABF7158809CF4F3C");
  keys.salt = hex_array<14>("F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
  CounterModeCipher cipher(keys);
  base::Bytes zeros(48);
  base::Bytes tag(10);
  cipher.seal({.ssrc = 0, .index = 0, .clear = base::MutableByteView(zeros).first(0), .secret = zeros, .trailer = {}},
              tag);
  EXPECT_EQ(base::to_hex(zeros),
            "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
            "41e95b3bb0a2e8dd477901e4fca894c0");
}

SessionKeys rfc7714_keys() {
  SessionKeys keys;
  keys.cipher_key = hex_array<16>("000102030405060708090a0b0c0d0e0f");
  std::ranges::copy(hex("517569642070726f2071756f"), keys.salt.begin());
  return keys;
}

// By the fastest code of this machine and by OpenSSL's.
class GcmOfEngine : public testing::TestWithParam<Engine> {};
INSTANTIATE_TEST_SUITE_P(GcmCipher, GcmOfEngine, testing::Values(Engine::Best, Engine::OpenSsl));

TEST_P(GcmOfEngine, Rfc7714Section16_1_1) {
  GcmCipher cipher(rfc7714_keys(), GetParam());
  base::Bytes packet =
      hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070"
          "61727465 73207472 6573");
  const base::Bytes plain = packet;
  base::Bytes tag(16);
  const PacketPieces pieces{.ssrc = 0x5501a0b2,
                            .index = 0xf17b,
                            .clear = base::MutableByteView(packet).first(12),
                            .secret = base::MutableByteView(packet).subspan(12),
                            .trailer = {}};
  cipher.seal(pieces, tag);
  EXPECT_EQ(packet, hex("8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a"
                        "51c7d19b 36de3adf 8833"));
  EXPECT_EQ(tag, hex("899d7f27beb16a9152cf765ee4390cce"));
  EXPECT_TRUE(cipher.open(pieces, tag));
  EXPECT_EQ(packet, plain);
}

TEST_P(GcmOfEngine, Rfc7714Section17_1) {
  GcmCipher cipher(rfc7714_keys(), GetParam());
  base::Bytes packet =
      hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"
          "deadbeef deadbeef deadbeef");
  base::Bytes tag(16);
  const base::Bytes trailer = hex("800005d4");
  cipher.seal({.ssrc = 0x4d617273,
               .index = 0x5d4,
               .clear = base::MutableByteView(packet).first(8),
               .secret = base::MutableByteView(packet).subspan(8),
               .trailer = trailer},
              tag);
  EXPECT_EQ(packet, hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda"
                        "4ce09b46 86303ded 0bb9275b"));
  EXPECT_EQ(tag, hex("c84aa45896cf4d2fc5abf87245d9eade"));
}

// RFC 7714 17.1 without encryption: everything is additional data.
TEST_P(GcmOfEngine, Rfc7714AuthenticatedOnlyRtcp) {
  GcmCipher cipher(rfc7714_keys(), GetParam());
  base::Bytes packet =
      hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"
          "deadbeef deadbeef deadbeef");
  base::Bytes tag(16);
  const base::Bytes trailer = hex("000005d4");
  cipher.seal({.ssrc = 0x4d617273, .index = 0x5d4, .clear = packet, .secret = {}, .trailer = trailer}, tag);
  EXPECT_EQ(tag, hex("841dd9683dd78ec92ae58790125f62b3"));
}

// Whole packets as another implementation (libsrtp's reference packets) writes them, from the master keys on.
struct ReferencePackets {
  Profile profile;
  const char* key;
  const char* salt;
  const char* rtp;
  const char* rtcp;
};
const ReferencePackets kReferences[] = {
    {Profile::Aes128CmSha1_80, "e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3aabe6",
     "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
     "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798"},
    {Profile::AeadAes128Gcm, "000102030405060708090a0b0c0d0e0f", "a0a1a2a3a4a5a6a7a8a9aaab",
     "800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
     "81c8000bcafebabe c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001"},
};

TEST(Srtp, ReferencePacketsOfAnotherImplementation) {
  const base::Bytes rtp = hex("800f1234decafbadcafebabe abababababababababababababababab");
  const base::Bytes rtcp = hex("81c8000bcafebabe abababababababababababababababab");
  for (const auto& reference : kReferences) {
    for (const Engine engine : {Engine::Best, Engine::OpenSsl}) {
      Sealer sealer(reference.profile, hex(reference.key), hex(reference.salt), engine);
      Opener opener(reference.profile, hex(reference.key), hex(reference.salt), engine);
      EXPECT_EQ(sealed_rtp(sealer, rtp), hex(reference.rtp));
      EXPECT_EQ(sealed_rtcp(sealer, rtcp), hex(reference.rtcp));
      EXPECT_EQ(opened_rtp(opener, hex(reference.rtp)), rtp);
      EXPECT_EQ(opened_rtcp(opener, hex(reference.rtcp)), rtcp);
    }
  }
}

TEST(Srtp, HeadersWithCsrcsAndExtensionStayClear) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    base::Bytes packet = hex("b2600007 00000001 cafebabe 00000001 00000002 bede0002 10aa2110 11000000 0102030405");
    const base::Bytes sealed = sealed_rtp(sealer, packet);
    EXPECT_EQ(sealed.size(), packet.size() + tag_size(suite.profile));
    EXPECT_TRUE(std::equal(sealed.begin(), sealed.begin() + 32, packet.begin()));
    EXPECT_FALSE(std::equal(sealed.begin() + 32, sealed.begin() + 37, packet.begin() + 32));
    EXPECT_EQ(opened_rtp(opener, sealed), packet);
  }
}

TEST(Srtp, EmptyPayloadPasses) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    const base::Bytes packet = make_rtp(1, 0xcafebabe, 0);
    EXPECT_EQ(opened_rtp(opener, sealed_rtp(sealer, packet)), packet);
  }
}

TEST(Srtp, AnyChangedByteIsNotAuthentic) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    ASSERT_TRUE(opened_rtp(opener, sealed_rtp(sealer, make_rtp(10))));
    const base::Bytes sealed = sealed_rtp(sealer, make_rtp(11));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      base::Bytes broken = sealed;
      broken[i] ^= 1;
      EXPECT_FALSE(opened_rtp(opener, broken)) << "byte " << i;
    }
    const OpenStats& stats = opener.rtp_stats();
    EXPECT_EQ(stats.opened, 1u);
    EXPECT_GE(stats.not_authentic, sealed.size() - 8);
    EXPECT_EQ(stats.not_authentic + stats.malformed + stats.replayed + stats.too_old, sealed.size());
    EXPECT_EQ(opened_rtp(opener, sealed), make_rtp(11));
  }
}

TEST(Srtp, AnyChangedByteOfRtcpIsNotAuthentic) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    const base::Bytes sealed = sealed_rtcp(sealer, make_rtcp());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      base::Bytes broken = sealed;
      broken[i] ^= 0x40;
      EXPECT_FALSE(opened_rtcp(opener, broken)) << "byte " << i;
    }
    EXPECT_EQ(opened_rtcp(opener, sealed), make_rtcp());
  }
}

TEST(Srtp, EveryTruncationIsDropped) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    const base::Bytes rtp = sealed_rtp(sealer, make_rtp(1));
    const base::Bytes rtcp = sealed_rtcp(sealer, make_rtcp());
    for (std::size_t size = 0; size < rtp.size(); ++size) {
      EXPECT_FALSE(opened_rtp(opener, {rtp.begin(), rtp.begin() + static_cast<std::ptrdiff_t>(size)}));
    }
    for (std::size_t size = 0; size < rtcp.size(); ++size) {
      EXPECT_FALSE(opened_rtcp(opener, {rtcp.begin(), rtcp.begin() + static_cast<std::ptrdiff_t>(size)}));
    }
  }
}

TEST(Srtp, RtcpWithoutEncryptionIsAuthenticated) {
  // libsrtp's convention for E = 0 with CM: the body is clear, the MAC covers body and trailer.
  const SessionKeys keys = derive_session_keys(Profile::Aes128CmSha1_80, kMasterKey, kMasterSalt, PacketKind::Rtcp);
  CounterModeCipher cipher(keys);
  base::Bytes packet = make_rtcp();
  base::Bytes tag(10);
  const base::Bytes trailer = hex("00000009");
  cipher.seal({.ssrc = 0xcafebabe, .index = 9, .clear = packet, .secret = {}, .trailer = trailer}, tag);
  base::append(packet, trailer);
  base::append(packet, tag);
  Opener opener = make_opener({Profile::Aes128CmSha1_80});
  EXPECT_EQ(opened_rtcp(opener, packet), make_rtcp());
}

// webrtc-sdk-c answers a NACK with the identical packet.
TEST(Srtp, IdenticalRepairOpensIfTheFirstWasLostAndIsAReplayIfNot) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    std::vector<base::Bytes> sealed;
    for (std::uint16_t i = 0; i < 3000; ++i) sealed.push_back(sealed_rtp(sealer, make_rtp(i)));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      if (i != 100) EXPECT_TRUE(opened_rtp(opener, sealed[i]));
    }
    EXPECT_EQ(sealed_rtp(sealer, make_rtp(100)), sealed[100]);
    EXPECT_EQ(opened_rtp(opener, sealed[100]), make_rtp(100));
    EXPECT_FALSE(opened_rtp(opener, sealed[100]));
    EXPECT_FALSE(opened_rtp(opener, sealed[2999]));
    EXPECT_EQ(opener.rtp_stats().replayed, 2u);
    EXPECT_EQ(opener.rtp_stats().opened, 3000u);
  }
}

TEST(Srtp, PacketsBehindTheWindowAreTooOld) {
  Sealer sealer = make_sealer({Profile::AeadAes128Gcm});
  Opener opener = make_opener({Profile::AeadAes128Gcm});
  const base::Bytes first = sealed_rtp(sealer, make_rtp(1));
  const base::Bytes second = sealed_rtp(sealer, make_rtp(2));
  EXPECT_TRUE(opened_rtp(opener, sealed_rtp(sealer, make_rtp(1 + kReplayWindow))));
  EXPECT_FALSE(opened_rtp(opener, first));
  EXPECT_TRUE(opened_rtp(opener, second));
  EXPECT_EQ(opener.rtp_stats().too_old, 1u);
}

TEST(Srtp, SequenceNumbersRollOver) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    base::Bytes held;
    for (std::uint32_t i = 65'000; i < 65'000 + 150'000; i += 7) {
      const base::Bytes packet = make_rtp(static_cast<std::uint16_t>(i));
      base::Bytes sealed = sealed_rtp(sealer, packet);
      if (i < 65'536 && i + 7 >= 65'536) {
        held = std::move(sealed);  // the last before the roll-over comes late, after it
        continue;
      }
      ASSERT_EQ(opened_rtp(opener, std::move(sealed)), packet) << i;
      if (!held.empty() && i > 65'600) {
        EXPECT_TRUE(opened_rtp(opener, held));
        held.clear();
      }
    }
  }
}

TEST(Srtp, StreamsHaveTheirOwnRollover) {
  Sealer sealer = make_sealer({Profile::Aes128CmSha1_80});
  Opener opener = make_opener({Profile::Aes128CmSha1_80});
  for (std::uint32_t i = 0; i < 200; ++i) {
    const base::Bytes one = make_rtp(static_cast<std::uint16_t>(65'450 + i), 1);
    const base::Bytes two = make_rtp(static_cast<std::uint16_t>(10 + i), 2);
    ASSERT_EQ(opened_rtp(opener, sealed_rtp(sealer, one)), one);
    ASSERT_EQ(opened_rtp(opener, sealed_rtp(sealer, two)), two);
  }
}

TEST(Srtp, StreamsAreBoundedAndOnlyAuthenticOnesCount) {
  Sealer sealer = make_sealer({Profile::AeadAes128Gcm});
  Opener opener = make_opener({Profile::AeadAes128Gcm});
  for (std::uint32_t ssrc = 0; ssrc < 1000; ++ssrc) EXPECT_FALSE(opened_rtp(opener, make_rtp(1, ssrc)));
  EXPECT_EQ(opener.rtp_stats().not_authentic, 1000u);
  for (std::uint32_t ssrc = 0; ssrc < kMaxStreams; ++ssrc) {
    EXPECT_TRUE(opened_rtp(opener, sealed_rtp(sealer, make_rtp(1, ssrc))));
  }
  base::Bytes one_more = make_rtp(1, kMaxStreams);
  EXPECT_FALSE(sealer.seal_rtp(one_more));
  EXPECT_EQ(one_more, make_rtp(1, kMaxStreams));
  Sealer other = make_sealer({Profile::AeadAes128Gcm});
  EXPECT_FALSE(opened_rtp(opener, sealed_rtp(other, make_rtp(1, kMaxStreams))));
  EXPECT_EQ(opener.rtp_stats().too_many_streams, 1u);
  EXPECT_TRUE(opened_rtp(opener, sealed_rtp(sealer, make_rtp(2, 0))));
}

TEST(Srtp, RtcpReplayIsDroppedAndReorderingIsNot) {
  for (const Suite suite : kSuites) {
    Sealer sealer = make_sealer(suite);
    Opener opener = make_opener(suite);
    const base::Bytes one = sealed_rtcp(sealer, make_rtcp());
    const base::Bytes two = sealed_rtcp(sealer, make_rtcp());
    EXPECT_TRUE(opened_rtcp(opener, two));
    EXPECT_TRUE(opened_rtcp(opener, one));
    EXPECT_FALSE(opened_rtcp(opener, one));
    EXPECT_EQ(opener.rtcp_stats().replayed, 1u);
  }
}

TEST(Srtp, RandomOrderLossAndDuplicatesBySeeds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const Suite suite : kSuites) {
      base::SeededRandom random(seed);
      Sealer sealer = make_sealer(suite);
      Opener opener = make_opener(suite);
      std::vector<std::pair<std::uint64_t, std::uint32_t>> arrivals;  // place, packet
      for (std::uint32_t i = 0; i < 5000; ++i) {
        if (random.below(20) == 0) continue;
        arrivals.emplace_back(i + random.below(300), i);
        if (random.below(20) == 0) arrivals.emplace_back(i + random.below(300), i);
      }
      std::ranges::sort(arrivals);
      std::vector<base::Bytes> sealed;
      const std::uint32_t start = static_cast<std::uint32_t>(random.below(32'768)) + 30'000;
      for (std::uint32_t i = 0; i < 5000; ++i) {
        sealed.push_back(sealed_rtp(sealer, make_rtp(static_cast<std::uint16_t>(start + i))));
      }
      std::set<std::uint32_t> seen;
      for (const auto& [place, i] : arrivals) {
        EXPECT_EQ(opened_rtp(opener, sealed[i]).has_value(), seen.insert(i).second);
      }
      EXPECT_EQ(opener.rtp_stats().replayed, arrivals.size() - seen.size());
      EXPECT_EQ(opener.rtp_stats().not_authentic, 0u);
    }
  }
}

TEST(Rollover, EstimatesTheNearestIndex) {
  EXPECT_EQ(estimate_index(std::nullopt, 7), 7u);
  EXPECT_EQ(estimate_index(65'535, 0), 65'536u);
  EXPECT_EQ(estimate_index(65'536, 65'535), 65'535u);
  EXPECT_EQ(estimate_index(3, 65'535), std::nullopt);
  EXPECT_EQ(estimate_index(0, 32'767), 32'767u);
  EXPECT_EQ(estimate_index(0, 32'768), std::nullopt);
  EXPECT_EQ(estimate_index(0x5'0000, 0xffff), 0x4'ffffu);
}

TEST(ReplayWindow, SlidesAndForgets) {
  ReplayWindow window;
  using enum ReplayWindow::Verdict;
  EXPECT_EQ(window.check(5), Fresh);
  window.accept(5);
  EXPECT_EQ(window.check(5), Replayed);
  EXPECT_EQ(window.check(4), Fresh);
  window.accept(4);
  EXPECT_EQ(window.check(4), Replayed);
  window.accept(5 + kReplayWindow - 1);
  EXPECT_EQ(window.check(5), Replayed);
  EXPECT_EQ(window.check(4), TooOld);
  EXPECT_EQ(window.check(6), Fresh);
  window.accept(10 * kReplayWindow + 5);
  EXPECT_EQ(window.check(9 * kReplayWindow + 5), TooOld);
  EXPECT_EQ(window.check(9 * kReplayWindow + 6), Fresh);
  EXPECT_EQ(window.highest(), 10 * kReplayWindow + 5);
}

TEST(PacketLayout, RejectsWhatEndsWithinItsHeader) {
  EXPECT_FALSE(find_rtp_layout({}));
  EXPECT_FALSE(find_rtp_layout(hex("80600001 00000000 cafeba")));
  EXPECT_FALSE(find_rtp_layout(hex("40600001 00000000 cafebabe")));           // version 1
  EXPECT_FALSE(find_rtp_layout(hex("81600001 00000000 cafebabe 000000")));    // a CSRC cut short
  EXPECT_FALSE(find_rtp_layout(hex("90600001 00000000 cafebabe bede0001")));  // an extension cut short
  EXPECT_EQ(find_rtp_layout(hex("80600001 00000000 cafebabe"))->header_size, 12u);
  EXPECT_FALSE(find_rtcp_ssrc(hex("80c80001 cafeba")));
  EXPECT_EQ(find_rtcp_ssrc(hex("80c80001 cafebabe")), 0xcafebabe);
}

}  // namespace
}  // namespace webrtc::srtp
