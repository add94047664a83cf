// SPDX-License-Identifier: Apache-2.0
#include "client/peer_link.hpp"

#include "base/prefetch.hpp"
#include "net/interfaces.hpp"

namespace client {
namespace {

constexpr std::int64_t kVideoClock = 90000;
constexpr std::int64_t kAudioClock = 48000;
// A viewer shows what is there rather than wait long for what is missing.
constexpr base::Duration kViewersPatience = std::chrono::milliseconds(500);

std::uint32_t rtp_time(base::Duration at, std::int64_t clock_rate) {
  return static_cast<std::uint32_t>(at.count() / 1000 * clock_rate / 1'000'000);
}

std::vector<base::SocketAddress> candidate_addresses(std::uint16_t port, bool on_loopback) {
  std::vector<base::SocketAddress> addresses;
  if (on_loopback) addresses.push_back({base::IpAddress::v4(127, 0, 0, 1), port});
  for (const base::IpAddress& ip : net::local_addresses()) {
    if (ip.family == base::IpAddress::Family::V4) addresses.push_back({ip, port});
  }
  return addresses;
}

webrtc::PeerOptions make_peer_options(const LinkOptions& options, std::uint16_t port) {
  webrtc::PeerOptions peer;
  peer.role = webrtc::PeerOptions::Role::Answerer;
  peer.certificate = options.certificate;
  peer.local_addresses = candidate_addresses(port, options.on_loopback);
  peer.video = options.on_event ? webrtc::Direction::RecvOnly : webrtc::Direction::SendOnly;
  const webrtc::Direction sound = options.talks ? webrtc::Direction::SendRecv : peer.video;
  peer.audio = options.audio ? sound : webrtc::Direction::Inactive;
  if (options.on_event) peer.repair_deadline = kViewersPatience;
  peer.prepared_video = options.video;
  peer.prepared_audio = options.sound;
  if (options.like_c_sdk) webrtc::play_c_sdk(peer);
  if (!options.srtp_profiles.empty()) peer.srtp_profiles = options.srtp_profiles;
  return peer;
}

}  // namespace

PeerLink::PeerLink(async::Shard& shard, std::function<void()> changed) : shard_(shard), changed_(std::move(changed)) {}

base::Result<std::unique_ptr<PeerLink>> PeerLink::open(async::Shard& shard, base::Random& random,
                                                       const LinkOptions& options, std::function<void()> changed) {
  std::unique_ptr<PeerLink> link(new PeerLink(shard, std::move(changed)));
  link->ports_ = options.ports;
  if (!link->ports_) {
    TRY(link->ports_, net::UdpPortGroup::make(shard));
  }
  TRY(link->socket_, link->ports_->open({base::IpAddress::v4(0, 0, 0, 0), 0},
                                        [raw = link.get()](base::Instant now, std::span<base::Datagram> batch) {
                                          raw->receive(now, batch);
                                        }));
  link->peer_ = std::make_unique<webrtc::Peer>(shard.now(), random,
                                               make_peer_options(options, link->socket_->local_address().port));
  link->timer_ = std::make_unique<async::Timer>(shard, [raw = link.get()] {
    raw->peer_->handle_timeout(raw->shard_.now());
    raw->drain();
  });
  link->on_event_ = options.on_event;
  link->last_heard_ = shard.now();
  link->video_base_ = random.u32();
  link->audio_base_ = random.u32();
  return link;
}

base::Result<std::string> PeerLink::accept_offer(std::string_view sdp) {
  auto answer = peer_->accept_offer(shard_.now(), sdp);
  drain();
  return answer;
}

void PeerLink::add_remote_candidate(std::string_view line) {
  // A line that cannot be used is the peer's to count; the connection lives by the others.
  const auto added = peer_->add_remote_candidate(shard_.now(), line);
  if (added) drain();
}

void PeerLink::send(base::Instant now, const MediaFrame& frame, base::WallTime epoch) {
  const base::WallTime capture = epoch + std::chrono::duration_cast<std::chrono::microseconds>(frame.at);
  const codecs::MediaKind kind = frame.kind();
  const std::uint32_t time = kind == codecs::MediaKind::Video ? video_base_ + rtp_time(frame.at, kVideoClock)
                                                              : audio_base_ + rtp_time(frame.at, kAudioClock);
  if (frame.prepared) {
    send_prepared(now, frame, time, capture);
  } else {
    peer_->send_frame(now, kind, *frame.frame, time, capture);
    drain();
  }
}

// Of thousands of cameras each send looks only at what it must: nothing but bursts comes of it, apart from the first,
// after which there are reports to be sent.
void PeerLink::send_prepared(base::Instant now, const MediaFrame& frame, std::uint32_t time, base::WallTime capture) {
  peer_->send_prepared(now, frame.kind(), *frame.prepared, time, capture);
  while (const auto burst = peer_->poll_burst()) socket_->send_burst(*burst);
  if (!std::exchange(media_began_, true)) drain();
}

void PeerLink::prefetch(int step, codecs::MediaKind kind) const {
  if (step == 0) return base::prefetch(this, sizeof *this);
  if (step == 1) {
    base::prefetch(peer_.get());
    return base::prefetch(socket_.get());
  }
  if (step == 2) socket_->prefetch();
  peer_->prefetch_to_send(step - 2, kind);
}

void PeerLink::end_of_media(base::Instant now) {
  peer_->end_of_media(now);
  drain();
}

void PeerLink::close(std::string why) {
  if (is_over()) return;
  peer_->close(shard_.now());
  drain();
  if (why_over_.empty()) why_over_ = std::move(why);
}

bool PeerLink::take_key_frame_request() {
  return std::exchange(key_frame_wanted_, false);
}

void PeerLink::receive(base::Instant now, std::span<base::Datagram> datagrams) {
  if (!peer_) return;
  last_heard_ = now;
  peer_->handle_datagrams(now, datagrams);
  drain();
}

void PeerLink::drain() {
  while (const auto burst = peer_->poll_burst()) socket_->send_burst(*burst);
  while (const auto out = peer_->poll_transmit()) socket_->send(*out);
  bool something = false;
  while (const auto event = peer_->poll_event()) {
    note(*event, shard_.now());
    if (on_event_) on_event_(shard_.now(), *event);
    something |= !std::holds_alternative<webrtc::FrameReceived>(*event);
  }
  timer_->arm(peer_->next_timeout());
  if (something) changed_();
}

void PeerLink::note(const webrtc::PeerEvent& event, base::Instant now) {
  if (std::holds_alternative<webrtc::IceConnected>(event) && !ice_at_) ice_at_ = now;
  if (std::holds_alternative<webrtc::DtlsConnected>(event)) dtls_at_ = now;
  if (std::holds_alternative<webrtc::KeyFrameRequested>(event)) {
    ++key_frame_requests_;
    key_frame_wanted_ = true;
  }
  if (std::holds_alternative<webrtc::RemoteClosed>(event)) why_over_ = "the server closed the session";
  if (const auto* failed = std::get_if<webrtc::Failed>(&event)) why_over_ = failed->reason;
}

}  // namespace client
