// SPDX-License-Identifier: Apache-2.0
// A client that is quicker than its own answer: it has our offer, passes our connectivity checks' reply and starts
// DTLS while the answer is still on its way through signaling. Chromium does this.
#include "base/random.hpp"
#include "webrtc/dtls/transport.hpp"
#include "webrtc/ice/agent.hpp"
#include "webrtc/ice/stun.hpp"
#include "webrtc/peer/peer.hpp"
#include "webrtc/sdp/negotiation.hpp"

namespace webrtc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kThatDay = base::WallTime(seconds(1'795'000'000));

class QuickClient : public testing::Test {
 protected:
  QuickClient() {
    PeerOptions options;
    options.certificate = Certificate::make(kThatDay).value();
    options.local_addresses = {flow.remote};
    server.emplace(now, random, options);
    offer = server->create_offer(now);

    sdp::AnswerOptions ours;
    ours.transport.ufrag = "quickufrag";
    ours.transport.password = "quickpasswordquickpassword";
    ours.transport.fingerprint = certificate->fingerprint();
    ours.video_source.ssrc = 77;
    ours.audio_source.ssrc = 78;
    answer = sdp::answer_offer(offer, ours).value();

    dtls::TransportOptions dtls_options;
    dtls_options.role = dtls::Role::Client;
    dtls_options.certificate = certificate;
    dtls_options.remote_fingerprints = {
        {answer.session.remote.fingerprint_algorithm, answer.session.remote.fingerprint}};
    client.emplace(dtls_options);
  }

  void give(base::Bytes payload) { server->handle_datagram(now, {{flow.remote, flow.local}, payload}); }

  void send_check() {
    ice::StunMessage check;
    check.username = answer.session.remote.ufrag + ":quickufrag";
    check.priority = 1000;
    check.ice_controlled = 5;
    random.fill(check.transaction);
    give(ice::write_stun(check, answer.session.remote.password));
  }

  void send_dtls() {
    while (auto datagram = client->poll_transmit()) give(*datagram);
  }

  // Returns how many DTLS datagrams came.
  int take_dtls() {
    int count = 0;
    while (auto transmit = server->poll_transmit()) {
      if (transmit->payload[0] < 20) continue;  // STUN
      EXPECT_EQ(transmit->flow.remote, flow.local);
      client->handle_datagram(now, transmit->payload);
      ++count;
    }
    return count;
  }

  base::Instant now = base::Instant{} + seconds(1);
  base::SeededRandom random{1};
  base::Flow flow = {base::SocketAddress::parse("198.51.100.7:50000").value(),
                     base::SocketAddress::parse("192.0.2.1:8443").value()};  // as the client sees it
  std::shared_ptr<const Certificate> certificate = Certificate::make(kThatDay).value();
  std::optional<Peer> server;
  std::string offer;
  sdp::Answer answer;
  std::optional<dtls::Transport> client;
};

TEST_F(QuickClient, DtlsBeforeTheAnswerIsHeldAndServed) {
  send_check();
  client->start(now);
  send_dtls();
  EXPECT_EQ(server->stats().early_dtls_held, 1u);
  EXPECT_EQ(take_dtls(), 0);
  now += milliseconds(100);
  ASSERT_TRUE(server->set_answer(now, answer.text));
  for (int i = 0; i < 5; ++i) {
    take_dtls();
    send_dtls();
  }
  EXPECT_TRUE(client->connected());
  EXPECT_TRUE(server->connected());
  EXPECT_EQ(client->stats().retransmissions, 0u);
}

TEST_F(QuickClient, DtlsFromAFlowWithoutACheckIsDropped) {
  client->start(now);
  send_dtls();
  EXPECT_EQ(server->stats().strange_flow, 1u);
  EXPECT_EQ(server->stats().early_dtls_held, 0u);
  ASSERT_TRUE(server->set_answer(now, answer.text));
  EXPECT_EQ(take_dtls(), 0);
}

TEST_F(QuickClient, EarlyDtlsIsBounded) {
  send_check();
  for (int i = 0; i < 100; ++i) give(base::Bytes(50, 22));
  EXPECT_EQ(server->stats().early_dtls_held, 8u);
  EXPECT_EQ(server->stats().early_dtls_dropped, 92u);
}

}  // namespace
}  // namespace webrtc
