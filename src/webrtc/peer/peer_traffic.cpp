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

// RTP goes to `batch`; all else is handled here, and before it: the keys for RTP may be among it. Once there are keys,
// DTLS can only be a goodbye, or the end of the handshake once more, and has its turn after the RTP.
void Peer::Parts::sort(base::Instant now, std::span<base::Datagram> datagrams, OpenBatch& batch) {
  received += datagrams.size();
  sealed = 0;
  if (over) {
    counters.after_end += datagrams.size();
    return;
  }
  sorted = datagrams;
  for (const base::Datagram& datagram : datagrams) {
    const PacketClass kind = classify(datagram.payload);
    if (kind == PacketClass::Rtp) {
      ++sealed;
    } else if (kind == PacketClass::Dtls && media) {
      dtls_waits = true;
    } else {
      sort_control(now, datagram, kind);
    }
  }
  if (stirred) {
    settle_path(now);
    settle_security(now);
  }
  if (!media) {
    counters.early_media += sealed;
    sealed = 0;
  }
  if (resting) counters.rested += sealed;
  first_sealed = batch.size();
  if (sealed == 0) return;
  for (const base::Datagram& datagram : datagrams) {
    if (classify(datagram.payload) == PacketClass::Rtp) secure.add_rtp(batch, datagram.payload);
  }
}

void Peer::Parts::sort_control(base::Instant now, const base::Datagram& datagram, PacketClass kind) {
  switch (kind) {
    case PacketClass::Stun:
      stirred = true;
      return agent.handle_datagram(now, datagram);
    case PacketClass::Dtls:
      stirred = true;
      return handle_dtls(now, datagram);
    case PacketClass::Rtcp:
      return open_rtcp(now, datagram);
    case PacketClass::Rtp:
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
  stirred |= selected != datagram.flow;
  media->handle_packet(now, *plain);
}

void Peer::Parts::take_opened(base::Instant now, const OpenBatch& batch) {
  if (sealed > 0 && media) {
    const auto opened = batch.packets().subspan(first_sealed, sealed);
    note_paths(now, opened);
    if (resting) {
      // opened for the sake of SRTP alone
    } else if (std::ranges::none_of(opened, &base::ByteView::empty)) {
      media->handle_packets(now, opened);
    } else {
      for (const base::ByteView packet : opened) {
        if (!packet.empty()) media->handle_packet(now, packet);
      }
    }
  }
  if (std::exchange(dtls_waits, false) && !over) {
    for (const base::Datagram& datagram : sorted) {
      if (classify(datagram.payload) == PacketClass::Dtls) sort_control(now, datagram, PacketClass::Dtls);
    }
  }
  sorted = {};
  if (over) return;
  if (std::exchange(stirred, false)) return settle(now);
  settle_media(now);
}

// What is authentic shows that the path lives on which it came.
void Peer::Parts::note_paths(base::Instant now, std::span<const base::ByteView> opened) {
  const base::Flow* noted = nullptr;
  auto packet = opened.begin();
  for (const base::Datagram& datagram : sorted) {
    if (classify(datagram.payload) != PacketClass::Rtp || (packet++)->empty()) continue;
    first_media = std::min(first_media, now);
    if (noted != nullptr && *noted == datagram.flow) continue;
    noted = &datagram.flow;
    agent.note_traffic(now, *noted);
    stirred |= selected != *noted;
  }
}

void Peer::Parts::settle(base::Instant now) {
  if (over) return;
  settle_path(now);
  settle_security(now);
  path_deadline = std::min(agent.next_timeout(), secure.next_timeout());
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

// Its events stay where they are until they are asked for.
void Peer::Parts::settle_media(base::Instant /*now*/) {
  deadline.reset();
  if (media) send_media();
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

std::optional<Peer::Event> Peer::Parts::poll_media_event() {
  while (auto event = media ? media->poll_event() : std::nullopt) {
    const MediaKind kind = event->kind;
    if (auto* frame = std::get_if<rtp::ReceivedFrame>(&event->what)) return FrameReceived{kind, std::move(*frame)};
    if (const auto* report = std::get_if<rtp::SenderReportReceived>(&event->what))
      return SenderReportReceived{kind, report->ntp, report->rtp_timestamp, report->ssrc, report->arrived};
    if (const auto* lost = std::get_if<rtp::PacketsLost>(&event->what)) return PacketsLost{kind, lost->count};
    if (const auto* awaited = std::get_if<rtp::KeyFrameAwaited>(&event->what))
      return KeyFrameAwaited{kind, awaited->frames};
    if (std::holds_alternative<rtp::SourceEnded>(event->what)) return SourceEnded{kind};
    if (options.heed_key_frame_requests) return KeyFrameRequested{};
  }
  return std::nullopt;
}

// Whole frames that still wait for older packets are handed out before the last event: nothing will repair those now.
void Peer::Parts::end(base::Instant now, Event last) {
  if (over) return;
  over = true;
  if (media) {
    media->finish(now);
    while (auto event = poll_media_event()) events.push_back(*std::move(event));
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
