// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/secure_path.hpp"

#include "base/random.hpp"

namespace webrtc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kToday = base::WallTime(seconds(1'795'000'000));
constexpr base::Instant kStart = base::Instant{} + seconds(1);

// Two paths without a wire: what one sends the other gets at once.
struct SecurePair {
  std::shared_ptr<const dtls::Certificate> server_certificate = dtls::Certificate::make(kToday).value();
  std::shared_ptr<const dtls::Certificate> client_certificate = dtls::Certificate::make(kToday).value();
  std::vector<dtls::SrtpProfile> profiles = {dtls::SrtpProfile::AeadAes128Gcm, dtls::SrtpProfile::Aes128CmSha1_80};
  SecurePath server{server_certificate, profiles};
  SecurePath client{client_certificate, profiles};

  void describe_server() { server.describe(dtls::Role::Server, {{"sha-256", client_certificate->fingerprint()}}); }
  void describe_client() { client.describe(dtls::Role::Client, {{"sha-256", server_certificate->fingerprint()}}); }
  void exchange() {
    for (int turn = 0; turn < 20; ++turn) {
      while (auto datagram = client.poll_transmit()) server.handle_dtls(kStart, *datagram);
      while (auto datagram = server.poll_transmit()) client.handle_dtls(kStart, *datagram);
    }
  }
};

base::Bytes plain_rtp() {
  return base::parse_hex("8060000100000000cafebabe0102030405060708").value();
}

base::Bytes opened(SecurePath& path, base::Bytes& packet) {
  srtp::OpenBatch batch;
  path.add_rtp(batch, packet);
  batch.open();
  return {batch.packets()[0].begin(), batch.packets()[0].end()};
}

TEST(SecurePath, AgreesAndProtectsBothWays) {
  SecurePair pair;
  pair.describe_server();
  pair.describe_client();
  pair.server.start(kStart, seconds(30));
  pair.client.start(kStart, seconds(30));
  pair.exchange();
  ASSERT_TRUE(pair.server.ready() && pair.client.ready());
  for (const bool to_server : {true, false}) {
    SecurePath& from = to_server ? pair.client : pair.server;
    SecurePath& to = to_server ? pair.server : pair.client;
    base::Bytes packet = plain_rtp();
    ASSERT_TRUE(from.seal_rtp(packet));
    EXPECT_NE(packet, plain_rtp());
    EXPECT_EQ(opened(to, packet), plain_rtp());
    // Its own packets are not for it: the directions have different keys.
    base::Bytes mirrored = plain_rtp();
    ASSERT_TRUE(from.seal_rtp(mirrored));
    EXPECT_TRUE(opened(from, mirrored).empty());
  }
}

// The camera has our offer and a path before we have its answer.
TEST(SecurePath, HoldsTheClientHelloUntilTheAnswer) {
  SecurePair pair;
  pair.describe_client();
  pair.client.start(kStart, seconds(30));
  while (auto datagram = pair.client.poll_transmit()) {
    EXPECT_EQ(pair.server.handle_dtls(kStart, *datagram), SecurePath::Fate::Held);
  }
  EXPECT_FALSE(pair.server.poll_transmit().has_value());
  pair.describe_server();
  pair.server.start(kStart, seconds(30));
  pair.exchange();
  EXPECT_TRUE(pair.server.ready() && pair.client.ready());
  EXPECT_EQ(pair.client.dtls_stats().retransmissions, 0u);
}

TEST(SecurePath, WhatIsHeldIsBounded) {
  SecurePair pair;
  EXPECT_EQ(pair.server.handle_dtls(kStart, base::Bytes(3000, 22)), SecurePath::Fate::Dropped);
  int held = 0;
  for (int i = 0; i < 1000; ++i) {
    held += pair.server.handle_dtls(kStart, base::Bytes(100, 23)) == SecurePath::Fate::Held ? 1 : 0;
  }
  EXPECT_EQ(held, 8);
  EXPECT_EQ(pair.server.next_timeout(), base::kNever);
}

TEST(SecurePath, StartWithoutDescriptionDoesNothing) {
  SecurePair pair;
  pair.server.start(kStart, seconds(30));
  EXPECT_FALSE(pair.server.described());
  pair.server.handle_timeout(kStart);
  pair.server.close(kStart);
  EXPECT_FALSE(pair.server.poll_event().has_value());
}

}  // namespace
}  // namespace webrtc
