// SPDX-License-Identifier: Apache-2.0
// How packets and events move through a Peer.
#include <algorithm>
#include <utility>

#include "webrtc/peer/packet_class.hpp"
#include "webrtc/peer/peer_parts.hpp"

namespace webrtc {
namespace {

// Datagrams that wait for their owner to poll: far more than one key frame; beyond it something is wrong.
constexpr std::size_t kMaxTransmits = 16'384;
// What is left for DTLS when ICE took nearly all of the connect limit.
constexpr base::Duration kMinHandshakeLimit = std::chrono::seconds(5);

}  // namespace

void Peer::Parts::sort_datagram(base::Instant now, base::Datagram datagram) {
  ++counters.datagrams_received;
  if (over) {
    ++counters.after_end;
    return;
  }
  switch (classify(datagram.payload)) {
    case PacketClass::Stun:
      agent.handle_datagram(now, datagram);
      return;
    case PacketClass::Dtls:
      handle_dtls(now, datagram);
      return;
    case PacketClass::Rtcp:
      open_rtcp(now, datagram);
      return;
    case PacketClass::Rtp:
      sealed.push_back(datagram.payload);
      sealed_flows.push_back(datagram.flow);
      return;
    case PacketClass::Unknown:
      ++counters.unknown_datagrams;
      return;
  }
}

// Only a flow with a valid connectivity check may speak DTLS: before the handshake is done nothing else protects it.
void Peer::Parts::handle_dtls(base::Instant now, const base::Datagram& datagram) {
  if (!agent.is_known_flow(datagram.flow)) {
    ++counters.strange_flow;
    return;
  }
  last_dtls_flow = datagram.flow;
  if (secure.described()) start_security(now);
  switch (secure.handle_dtls(now, datagram.payload)) {
    case SecurePath::Fate::Handled:
      return;
    case SecurePath::Fate::Held:
      ++counters.early_dtls_held;
      return;
    case SecurePath::Fate::Dropped:
      ++counters.early_dtls_dropped;
      return;
  }
}

void Peer::Parts::start_security(base::Instant now) {
  secure.start(now, std::max(kMinHandshakeLimit, connect_deadline - now));
}

void Peer::Parts::open_rtcp(base::Instant now, const base::Datagram& datagram) {
  if (!secure.ready() || !media) {
    ++counters.early_media;
    return;
  }
  const auto plain = secure.open_rtcp(datagram.payload);
  if (!plain) return;
  agent.note_traffic(now, datagram.flow);
  media->handle_packet(now, *plain);
}

// All RTP of a batch at once. Comes after the batch's DTLS, which may have brought the keys.
void Peer::Parts::open_rtp(base::Instant now) {
  if (media) {
    secure.open_rtp_batch(sealed);
    const base::Flow* noted = nullptr;
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      if (sealed[i].empty()) continue;
      opened.push_back(sealed[i]);
      if (noted == nullptr || *noted != sealed_flows[i]) {
        noted = &sealed_flows[i];
        agent.note_traffic(now, *noted);
      }
    }
    if (!opened.empty()) {
      first_media = std::min(first_media, now);
      media->handle_packets(now, opened);
    }
  } else {
    counters.early_media += sealed.size();
  }
  sealed.clear();
  sealed_flows.clear();
  opened.clear();
}

void Peer::Parts::settle(base::Instant now) {
  if (over) return;
  settle_path(now);
  settle_security(now);
  settle_media(now);
}

void Peer::Parts::settle_path(base::Instant now) {
  while (auto event = agent.poll_event()) {
    if (const auto* connected = std::get_if<ice::Agent::Connected>(&*event)) {
      events.emplace_back(IceConnected{connected->flow});
      start_security(now);
    } else if (const auto* changed = std::get_if<ice::Agent::SelectedFlowChanged>(&*event)) {
      events.emplace_back(IceConnected{changed->flow});
    } else if (auto* failed = std::get_if<ice::Agent::Failed>(&*event)) {
      end(now, Failed{FailureCause::NoPath, std::move(failed->reason)});
    } else {
      end(now, Failed{FailureCause::ConnectionLost,
                      "the connection was lost: the peer no longer answers connectivity checks"});
    }
  }
  selected = agent.selected_flow();
  while (auto datagram = agent.poll_transmit()) {
    ++counters.datagrams_sent;
    transmits.push_back(*std::move(datagram));
  }
}

void Peer::Parts::settle_security(base::Instant now) {
  while (auto event = secure.poll_event()) {
    if (const auto* ready = std::get_if<SecurePath::Ready>(&*event)) {
      media.emplace(now, random, make_rtp_options(options, *agreed, sources, random));
      events.emplace_back(DtlsConnected{ready->profile});
    } else if (auto* failed = std::get_if<dtls::Failed>(&*event)) {
      end(now, Failed{failed->wrong_certificate ? FailureCause::WrongCertificate : FailureCause::Dtls,
                      std::move(failed->why)});
    } else {
      end(now, RemoteClosed{});
    }
  }
  while (auto payload = secure.poll_transmit()) transmit(*std::move(payload));
}

void Peer::Parts::settle_media(base::Instant /*now*/) {
  deadline.reset();
  if (!media) return;
  send_media();
  while (auto event = media->poll_event()) take_media_event(*std::move(event));
}

void Peer::Parts::pad_tails(base::Instant now) {
  if (!media) return;
  for (const MediaKind kind : {MediaKind::Video, MediaKind::Audio}) {
    if (tail(kind).take_due(now)) media->send_padding(now, kind);
  }
}

void Peer::Parts::send_media() {
  while (auto packet = media->poll_packet()) {
    const bool sealed_well = packet->rtcp ? secure.seal_rtcp(packet->bytes) : secure.seal_rtp(packet->bytes);
    if (sealed_well) {
      transmit(std::move(packet->bytes));
    } else {
      ++counters.unsendable;
    }
  }
}

void Peer::Parts::take_media_event(rtp::SessionEvent event) {
  const MediaKind kind = event.kind;
  if (auto* frame = std::get_if<rtp::ReceivedFrame>(&event.what)) {
    events.emplace_back(FrameReceived{kind, std::move(*frame)});
  } else if (const auto* report = std::get_if<rtp::SenderReportReceived>(&event.what)) {
    events.emplace_back(SenderReportReceived{kind, report->ntp, report->rtp_timestamp, report->ssrc, report->arrived});
  } else if (const auto* lost = std::get_if<rtp::PacketsLost>(&event.what)) {
    events.emplace_back(PacketsLost{kind, lost->count});
  } else if (const auto* awaited = std::get_if<rtp::KeyFrameAwaited>(&event.what)) {
    events.emplace_back(KeyFrameAwaited{kind, awaited->frames});
  } else if (std::holds_alternative<rtp::SourceEnded>(event.what)) {
    events.emplace_back(SourceEnded{kind});
  } else if (options.heed_key_frame_requests) {
    events.emplace_back(KeyFrameRequested{});
  }
}

// Whole frames that still wait for older packets are handed out before the last event: nothing will repair those now.
void Peer::Parts::end(base::Instant now, Event last) {
  if (over) return;
  over = true;
  if (media) {
    media->finish(now);
    while (auto event = media->poll_event()) take_media_event(*std::move(event));
  }
  events.push_back(std::move(last));
}

void Peer::Parts::transmit(base::Bytes payload) {
  const std::optional<base::Flow>& flow = selected ? selected : last_dtls_flow;
  if (!flow || transmits.size() >= kMaxTransmits) {
    ++counters.unsendable;
    return;
  }
  ++counters.datagrams_sent;
  transmits.push_back({*flow, std::move(payload)});
}

}  // namespace webrtc
