// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/transport.hpp"

#include <malloc.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/random.hpp"
#include "webrtc/dtls/fake_wall_clock.hpp"

namespace webrtc::dtls {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kToday = base::WallTime(std::chrono::seconds(1'795'000'000));

std::shared_ptr<const Certificate> make_certificate(Certificate::Digest digest = Certificate::Digest::Sha256) {
  return Certificate::make(kToday, digest).value();
}

// The ClientHello of `datagram` as two records with half of it each (RFC 6347 4.2.3), as Chromium's arrives.
std::vector<base::Bytes> split_client_hello(const base::Bytes& datagram) {
  constexpr std::size_t kRecord = 13, kMessage = 12;
  const std::size_t body = datagram.size() - kRecord - kMessage;
  const std::size_t half = body / 2;
  std::vector<base::Bytes> parts;
  for (const auto& [offset, size] : {std::pair{std::size_t{0}, half}, std::pair{half, body - half}}) {
    base::Bytes part(datagram.begin(), datagram.begin() + kRecord + kMessage);
    base::ByteWriter writer(part);
    writer.bytes(base::ByteView(datagram).subspan(kRecord + kMessage + offset, size));
    if (offset > 0) writer.patch(9, 40 + datagram[10], 2);  // its own record sequence number
    writer.patch(11, kMessage + size, 2);
    writer.patch(kRecord + 6, offset, 3);
    writer.patch(kRecord + 9, size, 3);
    parts.push_back(std::move(part));
  }
  return parts;
}

// A client and a server over a wire with 20 ms of delay, in virtual time that also drives OpenSSL's timer.
class Association {
 public:
  using Datagrams = std::set<int>;

  Association() {
    client_options.role = Role::Client;
    server_options.role = Role::Server;
    client_options.certificate = make_certificate();
    server_options.certificate = make_certificate();
    trust_each_other();
  }

  void trust_each_other() {
    client_options.remote_fingerprints = {{"sha-256", server_options.certificate->fingerprint()}};
    server_options.remote_fingerprints = {{"sha-256", client_options.certificate->fingerprint()}};
  }

  void start() {
    client.emplace(client_options);
    server.emplace(server_options);
    move_clock(base::Instant{} + seconds(1));
    server->start(now);
    client->start(now);
  }

  void run_for(base::Duration duration) {
    const base::Instant end = now + duration;
    for (;;) {
      drain(*client, to_server, from_client, lost_from_client, client_keys, client_events);
      drain(*server, to_client, from_server, lost_from_server, server_keys, server_events);
      base::Instant next = std::min(client->next_timeout(), server->next_timeout());
      for (const auto* wire : {&to_server, &to_client}) {
        if (!wire->empty()) next = std::min(next, wire->begin()->first);
      }
      if (next > end) break;
      move_clock(std::max(now, next));
      deliver(to_server, *server);
      deliver(to_client, *client);
      if (client->next_timeout() <= now) client->handle_timeout(now);
      if (server->next_timeout() <= now) server->handle_timeout(now);
    }
    move_clock(end);
  }

  bool agreed() const {
    return client_keys && server_keys && client_keys->profile == server_keys->profile &&
           client_keys->local_key == server_keys->remote_key && client_keys->remote_key == server_keys->local_key &&
           client_keys->local_salt == server_keys->remote_salt && client_keys->remote_salt == server_keys->local_salt &&
           client_keys->local_key != client_keys->remote_key;
  }

  TransportOptions client_options, server_options;
  std::optional<Transport> client, server;
  std::optional<KeysReady> client_keys, server_keys;
  std::vector<Transport::Event> client_events, server_events;  // all but KeysReady
  Datagrams lost_from_client, lost_from_server;                // by order of sending
  std::vector<std::size_t> from_client, from_server;           // sizes sent
  bool split_hello = false;
  base::Instant now{};

 private:
  using Wire = std::multimap<base::Instant, base::Bytes>;

  void move_clock(base::Instant to) {
    now = to;
    set_fake_wall_clock(to);
  }

  void drain(Transport& transport, Wire& wire, std::vector<std::size_t>& sent, const Datagrams& lost,
             std::optional<KeysReady>& keys, std::vector<Transport::Event>& events) {
    while (auto datagram = transport.poll_transmit()) {
      const bool split = split_hello && datagram->size() > 25 && (*datagram)[0] == 22 && (*datagram)[13] == 1;
      for (base::Bytes& part : split ? split_client_hello(*datagram) : std::vector<base::Bytes>{*datagram}) {
        sent.push_back(part.size());
        if (!lost.contains(static_cast<int>(sent.size()) - 1)) wire.emplace(now + milliseconds(20), std::move(part));
      }
    }
    while (auto event = transport.poll_event()) {
      if (auto* ready = std::get_if<KeysReady>(&*event)) {
        EXPECT_FALSE(keys.has_value());
        keys = *ready;
      } else {
        events.push_back(*event);
      }
    }
  }

  void deliver(Wire& wire, Transport& transport) {
    while (!wire.empty() && wire.begin()->first <= now) {
      transport.handle_datagram(now, wire.begin()->second);
      wire.erase(wire.begin());
    }
  }

  Wire to_server, to_client;
};

std::string failure_of(const std::vector<Transport::Event>& events) {
  for (const auto& event : events) {
    if (const auto* failed = std::get_if<Failed>(&event)) return failed->why;
  }
  return "";
}

TEST(Transport, AgreesOnGcmKeysInTwoRoundTrips) {
  Association pair;
  pair.start();
  pair.run_for(milliseconds(81));
  ASSERT_TRUE(pair.agreed());
  EXPECT_EQ(pair.client_keys->profile, SrtpProfile::AeadAes128Gcm);
  EXPECT_EQ(pair.client_keys->local_key.size(), 16u);
  EXPECT_EQ(pair.client_keys->local_salt.size(), 12u);
  EXPECT_TRUE(pair.client->connected());
  EXPECT_TRUE(pair.server->connected());
  EXPECT_EQ(pair.client->next_timeout(), base::kNever);
  EXPECT_EQ(pair.server->next_timeout(), base::kNever);
}

TEST(Transport, ServerPrefersGcmWhateverTheClientPrefers) {
  Association pair;
  pair.client_options.srtp_profiles = {SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes128Gcm};
  pair.start();
  pair.run_for(seconds(1));
  ASSERT_TRUE(pair.agreed());
  EXPECT_EQ(pair.server_keys->profile, SrtpProfile::AeadAes128Gcm);
}

TEST(Transport, ClientThatOffers32Before80Gets80) {
  Association pair;
  pair.client_options.srtp_profiles = {SrtpProfile::Aes128CmSha1_32, SrtpProfile::Aes128CmSha1_80};
  pair.start();
  pair.run_for(seconds(1));
  ASSERT_TRUE(pair.agreed());
  EXPECT_EQ(pair.server_keys->profile, SrtpProfile::Aes128CmSha1_80);
  EXPECT_EQ(pair.server_keys->local_salt.size(), 14u);
}

TEST(Transport, ClientThatOffersOnly32Fails) {
  Association pair;
  pair.client_options.srtp_profiles = {SrtpProfile::Aes128CmSha1_32};
  pair.start();
  pair.run_for(seconds(1));
  EXPECT_FALSE(pair.server_keys.has_value());
  EXPECT_EQ(failure_of(pair.server_events), "DTLS handshake: no SRTP protection profile in common");
}

// One end says goodbye, on a wire that loses nothing any more.
void expect_goodbye(Association& pair, bool of_server) {
  pair.lost_from_client.clear();
  pair.lost_from_server.clear();
  (of_server ? pair.server : pair.client)->close(pair.now);
  pair.run_for(seconds(1));
  const auto& told = of_server ? pair.client_events : pair.server_events;
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Closed>(told[0]));
}

// Each datagram of the handshake lost once, alone: the ClientHello, flight 4, the client's flight, the Finished.
TEST(Transport, SurvivesTheLossOfAnyOneDatagram) {
  for (const bool client_side : {true, false}) {
    for (int lost = 0; lost < 4; ++lost) {
      SCOPED_TRACE(std::string(client_side ? "client" : "server") + " datagram " + std::to_string(lost));
      Association pair;
      (client_side ? pair.lost_from_client : pair.lost_from_server) = {lost};
      pair.start();
      pair.run_for(seconds(2));
      EXPECT_TRUE(pair.agreed());
      expect_goodbye(pair, client_side);
    }
  }
}

TEST(Transport, LossOfTheClientHelloCostsOneRetransmission) {
  Association pair;
  pair.lost_from_client = {0};
  pair.start();
  pair.run_for(milliseconds(199));
  EXPECT_EQ(pair.from_client.size(), 1u);
  pair.run_for(milliseconds(82));
  EXPECT_TRUE(pair.agreed());
  EXPECT_EQ(pair.client->stats().retransmissions, 1u);
  EXPECT_EQ(pair.server->stats().retransmissions, 0u);
}

TEST(Transport, LossOfFlightFourIsRepairedByEitherTimer) {
  Association pair;
  pair.lost_from_server = {0, 1, 2, 3};
  pair.start();
  pair.run_for(seconds(5));
  EXPECT_TRUE(pair.agreed());
  EXPECT_GE(pair.client->stats().retransmissions + pair.server->stats().retransmissions, 1u);
}

// The server is done and has no timer when its Finished is lost: it must answer the client's repeated one.
TEST(Transport, LossOfTheServersFinishedIsRepairedAfterItIsConnected) {
  Association whole;
  whole.start();
  whole.run_for(seconds(1));
  Association pair;
  pair.lost_from_server = {static_cast<int>(whole.from_server.size()) - 1};
  pair.start();
  pair.run_for(milliseconds(100));
  EXPECT_TRUE(pair.server->connected());
  EXPECT_FALSE(pair.client->connected());
  pair.run_for(seconds(1));
  EXPECT_TRUE(pair.agreed());
  EXPECT_GE(pair.client->stats().retransmissions, 1u);
}

TEST(Transport, ThirtyPercentLossByManySeeds) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    base::SeededRandom random(seed);
    Association pair;
    for (int i = 0; i < 60; ++i) {
      if (random.below(10) < 3) pair.lost_from_client.insert(i);
      if (random.below(10) < 3) pair.lost_from_server.insert(i);
    }
    pair.start();
    pair.run_for(seconds(25));
    EXPECT_TRUE(pair.agreed());
    expect_goodbye(pair, seed % 2 == 0);
  }
}

TEST(Transport, GivesUpWhenNobodyAnswers) {
  Association pair;
  for (int i = 0; i < 100; ++i) pair.lost_from_client.insert(i);
  pair.start();
  pair.run_for(seconds(29));
  EXPECT_TRUE(pair.client_events.empty());
  EXPECT_LT(pair.from_client.size(), 15u);
  pair.run_for(seconds(2));
  EXPECT_EQ(failure_of(pair.client_events), "DTLS handshake: not finished in time");
  EXPECT_EQ(failure_of(pair.server_events), "DTLS handshake: not finished in time");
  EXPECT_EQ(pair.client->next_timeout(), base::kNever);
}

TEST(Transport, WrongFingerprintOfTheClientFailsBothEnds) {
  Association pair;
  pair.server_options.remote_fingerprints = {{"sha-256", make_certificate()->fingerprint()}};
  pair.start();
  pair.run_for(seconds(2));
  EXPECT_FALSE(pair.server_keys || pair.client_keys);
  EXPECT_EQ(failure_of(pair.server_events), "the peer's certificate has none of the fingerprints in its SDP");
  EXPECT_NE(failure_of(pair.client_events), "");
}

TEST(Transport, WrongFingerprintOfTheServerFails) {
  Association pair;
  pair.client_options.remote_fingerprints = {{"sha-256", make_certificate()->fingerprint()}};
  pair.start();
  pair.run_for(seconds(2));
  EXPECT_FALSE(pair.server_keys || pair.client_keys);
  EXPECT_EQ(failure_of(pair.client_events), "the peer's certificate has none of the fingerprints in its SDP");
}

TEST(Transport, NoFingerprintOrAnUnknownHashFails) {
  for (const std::vector<Fingerprint>& given :
       {std::vector<Fingerprint>{}, {{"md5", "00:11"}}, {{"sha-256", "not hex"}}, {{"sha-256", ""}}}) {
    Association pair;
    pair.server_options.remote_fingerprints = given;
    pair.start();
    pair.run_for(seconds(2));
    EXPECT_FALSE(pair.server_keys || pair.client_keys);
  }
}

TEST(Transport, AnyOneOfSeveralFingerprintsIsEnough) {
  Association pair;
  const std::string right = pair.client_options.certificate->fingerprint();
  std::string lower = right;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  pair.server_options.remote_fingerprints = {{"sha-1", "00:11"}, {"SHA-256", lower}};
  pair.start();
  pair.run_for(seconds(2));
  EXPECT_TRUE(pair.agreed());
}

TEST(Transport, CertificateSignedWithSha1IsAccepted) {
  Association pair;
  pair.client_options.certificate = make_certificate(Certificate::Digest::Sha1);
  pair.trust_each_other();
  pair.start();
  pair.run_for(seconds(2));
  EXPECT_TRUE(pair.agreed());
}

TEST(Transport, ClientHelloSplitOverTwoDatagrams) {
  for (const int lost : {-1, 0, 1}) {
    SCOPED_TRACE("fragment lost: " + std::to_string(lost));
    Association pair;
    pair.split_hello = true;
    pair.lost_from_client = {lost};
    pair.start();
    pair.run_for(milliseconds(10));
    EXPECT_EQ(pair.from_client.size(), 2u);
    pair.run_for(seconds(2));
    EXPECT_TRUE(pair.agreed());
  }
}

TEST(Transport, DatagramsStayWithinTheMtu) {
  Association pair;
  pair.server_options.mtu = pair.client_options.mtu = 500;
  pair.start();
  pair.run_for(seconds(1));
  EXPECT_TRUE(pair.agreed());
  EXPECT_LE(std::ranges::max(pair.from_client), 500u);
  EXPECT_LE(std::ranges::max(pair.from_server), 500u);
}

TEST(Transport, CloseTellsThePeer) {
  Association pair;
  pair.start();
  pair.run_for(seconds(1));
  pair.client->close(pair.now);
  pair.run_for(seconds(1));
  ASSERT_EQ(pair.server_events.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Closed>(pair.server_events[0]));
  EXPECT_TRUE(pair.client_events.empty());
  EXPECT_FALSE(pair.client->connected() || pair.server->connected());
  EXPECT_EQ(pair.server->next_timeout(), base::kNever);
}

// It stays as long as its session, for days: OpenSSL's record buffers alone are 35 KB.
TEST(Transport, HoldsLittleMemoryOnceConnected) {
  const auto used = [] { return mallinfo2().uordblks; };  // 0 under AddressSanitizer
  constexpr std::size_t kPairs = 16;
  const auto certificate = make_certificate();
  std::vector<std::unique_ptr<Association>> pairs;
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(std::make_unique<Association>());
    pairs.back()->client_options.certificate = pairs.back()->server_options.certificate = certificate;
    pairs.back()->trust_each_other();
  }
  const std::size_t before = used();
  for (const auto& pair : pairs) {
    pair->start();
    pair->run_for(milliseconds(100));
    ASSERT_TRUE(pair->agreed());
  }
  EXPECT_LT((used() - before) / (2 * kPairs), 60'000);
}

TEST(Transport, CloseBeforeConnectedIsSilent) {
  Association pair;
  pair.start();
  pair.client->close(pair.now);
  pair.run_for(seconds(1));
  EXPECT_TRUE(pair.client_events.empty());
  EXPECT_FALSE(pair.client_keys);
}

// Random bytes; every other one has a plausible record header: type, version, epoch 0 or 1, and a true length.
std::vector<base::Bytes> garbage(std::uint64_t seed, int count) {
  base::SeededRandom random(seed);
  std::vector<base::Bytes> datagrams;
  for (int i = 0; i < count; ++i) {
    base::Bytes& bytes = datagrams.emplace_back(random.below(200));
    random.fill(bytes);
    if (i % 2 == 0 && bytes.size() > 13) {
      const std::uint8_t header[] = {static_cast<std::uint8_t>(20 + i / 2 % 4), 0xfe, 0xfd, 0,
                                     static_cast<std::uint8_t>(i % 3 == 0)};
      std::ranges::copy(header, bytes.begin());
      bytes[11] = 0;
      bytes[12] = static_cast<std::uint8_t>(bytes.size() - 13);
    }
  }
  return datagrams;
}

TEST(Transport, GarbageIsDroppedAndTheSessionLives) {
  Association pair;
  pair.start();
  pair.run_for(seconds(1));
  ASSERT_TRUE(pair.agreed());
  for (const base::Bytes& bytes : garbage(7, 5000)) {
    pair.server->handle_datagram(pair.now, bytes);
    pair.client->handle_datagram(pair.now, bytes);
  }
  pair.run_for(seconds(1));
  EXPECT_TRUE(pair.server_events.empty()) << failure_of(pair.server_events);
  EXPECT_TRUE(pair.client_events.empty()) << failure_of(pair.client_events);
  EXPECT_TRUE(pair.server->connected() && pair.client->connected());
  EXPECT_GT(pair.server->stats().datagrams_dropped, 1000u);
}

TEST(Transport, GarbageAtAnyMomentOfTheHandshakeIsDropped) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Association pair;
    pair.start();
    for (int moment = 0; moment < 100; moment += 10) {
      for (const base::Bytes& bytes : garbage(100 * seed + static_cast<std::uint64_t>(moment), 100)) {
        pair.server->handle_datagram(pair.now, bytes);
        pair.client->handle_datagram(pair.now, bytes);
      }
      pair.run_for(milliseconds(10));
    }
    EXPECT_TRUE(pair.agreed()) << failure_of(pair.server_events) << failure_of(pair.client_events);
  }
}

// OpenSSL takes a record too short for its nonce and tag for an internal error of its own and gives up.
TEST(Transport, SealedRecordOfAnyLengthThatIsForgedDoesNoHarm) {
  for (const milliseconds moment : {milliseconds(30), milliseconds(50), milliseconds(70), milliseconds(500)}) {
    SCOPED_TRACE(moment.count());
    Association pair;
    pair.start();
    pair.run_for(moment);
    for (std::uint8_t type = 20; type <= 23; ++type) {
      for (std::uint8_t length = 0; length < 80; ++length) {
        base::Bytes record = {type, 0xfe, 0xfd, 0, 1, 0, 0, 1, type, length, 0, 0, length};
        record.resize(record.size() + length, 0x5a);
        pair.server->handle_datagram(pair.now, record);
        pair.client->handle_datagram(pair.now, record);
      }
    }
    pair.run_for(seconds(1));
    EXPECT_TRUE(pair.agreed()) << failure_of(pair.server_events) << failure_of(pair.client_events);
    EXPECT_TRUE(pair.server->connected() && pair.client->connected());
  }
}

TEST(Transport, NonDtlsBeforeTheHandshakeDoesNoHarm) {
  Association pair;
  pair.start();
  for (const int first : {0, 1, 19, 64, 128, 200, 255}) {
    const base::Bytes bytes(100, static_cast<std::uint8_t>(first));
    pair.server->handle_datagram(pair.now, bytes);
  }
  pair.server->handle_datagram(pair.now, {});
  pair.server->handle_datagram(pair.now, base::Bytes(12, 22));
  pair.server->handle_datagram(pair.now, base::Bytes(20'000, 22));
  EXPECT_EQ(pair.server->stats().datagrams_dropped, 10u);
  pair.run_for(seconds(1));
  EXPECT_TRUE(pair.agreed());
}

TEST(Transport, DatagramsBeforeStartAreDropped) {
  Association pair;
  Transport idle(pair.server_options);
  idle.handle_datagram(pair.now, base::Bytes(50, 22));
  EXPECT_EQ(idle.stats().datagrams_dropped, 1u);
  EXPECT_EQ(idle.next_timeout(), base::kNever);
  EXPECT_FALSE(idle.poll_event() || idle.poll_transmit());
}

TEST(Fingerprint, WritesAndParses) {
  const base::Bytes digest = {0x00, 0xab, 0xff};
  EXPECT_EQ(write_fingerprint(digest), "00:AB:FF");
  EXPECT_EQ(parse_fingerprint("00:AB:FF"), digest);
  EXPECT_EQ(parse_fingerprint("00:ab:ff"), digest);
  for (const char* bad : {"", "0", "00:", "00AB", "00:A", "00-AB", "0g:AB", ":00", "00:AB:"}) {
    EXPECT_FALSE(parse_fingerprint(bad)) << bad;
  }
  EXPECT_FALSE(parse_fingerprint(std::string(64 * 3 + 2, 'a')));
}

TEST(Certificate, FingerprintIsUpperCaseSha256AndDiffers) {
  const auto one = make_certificate();
  const auto other = make_certificate();
  EXPECT_EQ(one->fingerprint().size(), 32u * 3 - 1);
  EXPECT_EQ(one->fingerprint().find_first_not_of("0123456789ABCDEF:"), std::string::npos);
  EXPECT_NE(one->fingerprint(), other->fingerprint());
}

}  // namespace
}  // namespace webrtc::dtls
