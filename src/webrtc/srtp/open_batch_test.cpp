// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/open_batch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "base/random.hpp"
#include "webrtc/srtp/sealer.hpp"

namespace webrtc::srtp {
namespace {

base::Bytes make_numbered(std::uint16_t sequence, std::uint32_t ssrc = 7, std::size_t payload = 40) {
  base::Bytes packet;
  base::ByteWriter writer(packet);
  writer.u16(0x8060);
  writer.u16(sequence);
  writer.u32(0);
  writer.u32(ssrc);
  for (std::size_t i = 0; i < payload; ++i) writer.u8((sequence + i) & 0xff);
  return packet;
}

base::Bytes bytes_of(base::ByteView view) {
  return {view.begin(), view.end()};
}

// A camera and the two openers that are held against each other.
struct Stream {
  Stream(Profile profile, std::uint8_t number)
      : key(kKeySize, number),
        salt(salt_size(profile), 3),
        sealer(profile, key, salt, Engine::OpenSsl),
        batched(profile, key, salt, Engine::Best),
        single(profile, key, salt, Engine::OpenSsl) {}

  base::Bytes seal(base::Bytes packet) {
    EXPECT_TRUE(sealer.seal_rtp(packet));
    return packet;
  }

  base::Bytes key, salt;
  Sealer sealer;
  Opener batched, single;
};

void expect_same(const OpenStats& a, const OpenStats& b) {
  EXPECT_EQ(a.opened, b.opened);
  EXPECT_EQ(a.malformed, b.malformed);
  // A forgery of a packet in the same batch is one or the other.
  EXPECT_EQ(a.replayed + a.not_authentic, b.replayed + b.not_authentic);
  EXPECT_EQ(a.too_old, b.too_old);
  EXPECT_EQ(a.too_many_streams, b.too_many_streams);
}

class OpenBatchOf : public testing::TestWithParam<Profile> {};
INSTANTIATE_TEST_SUITE_P(Profiles, OpenBatchOf, testing::Values(Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm));

TEST_P(OpenBatchOf, KeepsOrderAndEmptiesWhatIsDropped) {
  Stream stream(GetParam(), 1);
  OpenBatch batch;
  for (int round = 0; round < 2; ++round) {
    std::vector<base::Bytes> sealed, plain;
    for (std::uint16_t i = 0; i < 5; ++i) {
      plain.push_back(make_numbered(static_cast<std::uint16_t>(5 * round + i)));
      sealed.push_back(stream.seal(plain.back()));
    }
    sealed[1] = sealed[0];  // both in one batch, and neither seen before
    plain[1].clear();
    sealed[3].back() ^= 1;
    plain[3].clear();
    for (base::Bytes& packet : sealed) batch.add(stream.batched, packet);
    batch.open();
    ASSERT_EQ(batch.packets().size(), 5u);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(bytes_of(batch.packets()[i]), plain[i]) << round << " " << i;
    batch.clear();
  }
  EXPECT_EQ(stream.batched.rtp_stats().opened, 6u);
  EXPECT_EQ(stream.batched.rtp_stats().replayed, 2u);
  EXPECT_EQ(stream.batched.rtp_stats().not_authentic, 2u);
}

TEST_P(OpenBatchOf, AForgedPacketTakesNobodysPlace) {
  Stream stream(GetParam(), 1);
  OpenBatch batch;
  base::Bytes first = stream.seal(make_numbered(1));
  base::Bytes second = stream.seal(make_numbered(2));
  base::Bytes forged = second;
  forged[20] ^= 0x80;
  batch.add(stream.batched, first);
  batch.open();
  batch.clear();
  batch.add(stream.batched, forged);
  batch.add(stream.batched, second);
  batch.open();
  EXPECT_TRUE(batch.packets()[0].empty());
  EXPECT_EQ(bytes_of(batch.packets()[1]), make_numbered(2));
}

TEST_P(OpenBatchOf, RollsOverWithinABatch) {
  Stream stream(GetParam(), 1);
  OpenBatch batch;
  std::vector<base::Bytes> sealed;
  for (std::uint32_t i = 65'530; i < 65'542; ++i) sealed.push_back(stream.seal(make_numbered(i & 0xffff)));
  for (base::Bytes& packet : sealed) batch.add(stream.batched, packet);
  batch.open();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    EXPECT_EQ(bytes_of(batch.packets()[i]), make_numbered(static_cast<std::uint16_t>(65'530 + i)));
  }
}

TEST_P(OpenBatchOf, EmptyPayloadPasses) {
  Stream stream(GetParam(), 1);
  OpenBatch batch;
  std::vector<base::Bytes> sealed;
  for (std::uint16_t i = 0; i < 3; ++i) sealed.push_back(stream.seal(make_numbered(i, 7, 0)));
  for (base::Bytes& packet : sealed) batch.add(stream.batched, packet);
  batch.open();
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_EQ(bytes_of(batch.packets()[i]), make_numbered(i, 7, 0));
}

// What comes to one batch is opened by OpenSSL one by one as well: packets, and what is counted, must be the same.
TEST_P(OpenBatchOf, GivesWhatOneByOneGivesBySeeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    base::SeededRandom random(seed);
    std::vector<std::unique_ptr<Stream>> streams;
    for (std::uint8_t i = 0; i < 30; ++i) streams.push_back(std::make_unique<Stream>(GetParam(), i));
    std::vector<std::vector<base::Bytes>> sealed(streams.size());
    for (std::size_t s = 0; s < streams.size(); ++s) {
      for (std::uint32_t i = 0; i < 60; ++i) {
        const auto sequence = static_cast<std::uint16_t>(65'500 + i);
        sealed[s].push_back(streams[s]->seal(make_numbered(sequence, 7 + i % 2, random.below(1200))));
      }
    }
    std::vector<std::size_t> next(streams.size());
    OpenBatch batch;
    for (int tick = 0; tick < 20; ++tick) {
      std::vector<base::Bytes> in_batch, expected;
      std::vector<Stream*> owners;
      for (std::uint64_t count = random.below(200); count > 0; --count) {
        const std::size_t s = random.below(streams.size());
        if (next[s] == sealed[s].size()) continue;
        base::Bytes packet = sealed[s][random.below(4) == 0 ? random.below(next[s] + 1) : next[s]++];
        if (random.below(8) == 0) packet[random.below(packet.size())] ^= 1 << random.below(8);
        if (random.below(20) == 0) packet.resize(random.below(packet.size()));
        base::Bytes alone = packet;
        const auto plain = streams[s]->single.open_rtp(alone);
        expected.push_back(plain ? bytes_of(*plain) : base::Bytes());
        in_batch.push_back(std::move(packet));
        owners.push_back(streams[s].get());
      }
      for (std::size_t i = 0; i < in_batch.size(); ++i) batch.add(owners[i]->batched, in_batch[i]);
      batch.open();
      ASSERT_EQ(batch.packets().size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(bytes_of(batch.packets()[i]), expected[i]);
      batch.clear();
    }
    for (const auto& stream : streams) expect_same(stream->batched.rtp_stats(), stream->single.rtp_stats());
  }
}

}  // namespace
}  // namespace webrtc::srtp
