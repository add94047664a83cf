// SPDX-License-Identifier: Apache-2.0
// First byte: 0 = no answer yet, 1 = answered. Then datagrams, each behind a two-byte length. A length with the high
// bit set is an ICE check with that many low bits as priority, so that DTLS of the same flow gets past the
// demultiplexer.
#include <cstddef>
#include <cstdint>

#include "base/random.hpp"
#include "webrtc/ice/stun.hpp"
#include "webrtc/peer/peer.hpp"
#include "webrtc/sdp/negotiation.hpp"

namespace {

void drain(webrtc::Peer& peer) {
  while (peer.poll_transmit()) {
  }
  while (peer.poll_event()) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto certificate =
      webrtc::Certificate::make(base::WallTime(std::chrono::seconds(1'795'000'000))).value();
  const base::Flow flow = {*base::SocketAddress::parse("192.0.2.1:8443"),
                           *base::SocketAddress::parse("198.51.100.7:5000")};
  base::SeededRandom random(1);
  base::Instant now{};
  webrtc::PeerOptions options;
  options.certificate = certificate;
  options.local_addresses = {flow.local};
  webrtc::Peer peer(now, random, options);
  webrtc::sdp::AnswerOptions ours;
  ours.transport = {"ufrag", "passwordpasswordpassword", certificate->fingerprint(), {}};
  ours.video_source.ssrc = 1;
  const auto answer = webrtc::sdp::answer_offer(peer.create_offer(now), ours).value();

  base::ByteReader reader({bytes, size});
  if (reader.u8() % 2 == 1) (void)peer.set_answer(now, answer.text);
  while (reader.ok() && reader.remaining() > 0) {
    const std::uint16_t length = reader.u16();
    base::Bytes datagram;
    if (length >= 0x8000) {
      webrtc::ice::StunMessage check;
      check.username = answer.session.remote.ufrag + ":ufrag";
      check.priority = length & 0x7fffU;
      check.ice_controlled = 5;
      random.fill(check.transaction);
      datagram = webrtc::ice::write_stun(check, answer.session.remote.password);
    } else {
      const base::ByteView view = reader.take(length);
      datagram.assign(view.begin(), view.end());
    }
    peer.handle_datagram(now, {flow, datagram});
    drain(peer);
    now += std::chrono::milliseconds(20);
    if (peer.next_timeout() <= now) peer.handle_timeout(now);
    drain(peer);
  }
  return 0;
}
