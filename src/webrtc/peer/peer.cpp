// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/peer.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/prefetch.hpp"
#include "webrtc/peer/peer_parts.hpp"

namespace webrtc {
namespace {

ice::AgentOptions make_agent_options(const PeerOptions& options, base::Random& random) {
  ice::AgentOptions agent;
  agent.controlling = options.role == PeerOptions::Role::Offerer;
  agent.local = ice::make_credentials(random);
  agent.local_addresses = options.local_addresses;
  agent.local_tcp_addresses = options.local_tcp_addresses;
  agent.connect_timeout = options.connect_limit;
  return agent;
}

const sdp::Track* find_track(const std::optional<sdp::Session>& agreed, MediaKind kind) {
  return agreed ? agreed->find(kind == MediaKind::Video ? sdp::MediaKind::Video : sdp::MediaKind::Audio) : nullptr;
}

// A camera that leaves is noticed at once only if this arrives; nothing repeats it if it is lost.
constexpr int kClosingCopies = 2;

}  // namespace

Peer::Parts::Parts(base::Instant now, base::Random& source, PeerOptions given)
    : secure(given.certificate, given.srtp_profiles),
      agent(now, source, make_agent_options(given, source)),
      random(source),
      options(std::move(given)),
      sources(make_sources(random)) {
  path_deadline = agent.next_timeout();
  CHECK(options.certificate != nullptr);
}

Peer::Peer(base::Instant now, base::Random& random, PeerOptions options)
    : parts_(std::make_unique<Parts>(now, random, std::move(options))) {}
Peer::~Peer() = default;

std::string Peer::create_offer(base::Instant now) {
  Parts& parts = *parts_;
  CHECK(parts.options.role == PeerOptions::Role::Offerer && !parts.offer);
  parts.offer =
      make_offer_options(parts.options, make_local_transport(parts.options, parts.agent), parts.sources, parts.random);
  parts.settle(now);
  return sdp::write_offer(*parts.offer);
}

base::Result<void> Peer::set_answer(base::Instant now, std::string_view sdp) {
  Parts& parts = *parts_;
  if (!parts.offer) return base::fail(base::Errc::InvalidArgument, "an answer came before there was an offer");
  if (parts.agreed) return base::fail(base::Errc::InvalidArgument, "the offer was answered already");
  if (parts.over) return base::fail(base::Errc::InvalidArgument, "the answer came too late: the peer has ended");
  TRY(sdp::Session session, sdp::read_answer(sdp, *parts.offer));
  parts.agree(now, std::move(session));
  return {};
}

base::Result<std::string> Peer::accept_offer(base::Instant now, std::string_view sdp) {
  Parts& parts = *parts_;
  CHECK(parts.options.role == PeerOptions::Role::Answerer);
  if (parts.agreed) return base::fail(base::Errc::InvalidArgument, "an offer was accepted already");
  if (parts.over) return base::fail(base::Errc::InvalidArgument, "the offer came too late: the peer has ended");
  TRY(sdp::Answer answer,
      sdp::answer_offer(sdp, make_answer_options(parts.options, make_local_transport(parts.options, parts.agent),
                                                 parts.sources, parts.random)));
  parts.agree(now, std::move(answer.session));
  return std::move(answer.text);
}

void Peer::Parts::agree(base::Instant now, sdp::Session session) {
  agreed = std::move(session);
  const sdp::RemoteTransport& remote = agreed->remote;
  connect_deadline = now + options.connect_limit;
  // The offerer says actpass and the answerer chooses; ours chooses active.
  const bool client = options.role == PeerOptions::Role::Answerer ? remote.setup != sdp::Setup::Active
                                                                  : remote.setup == sdp::Setup::Passive;
  secure.describe(client ? dtls::Role::Client : dtls::Role::Server,
                  {{remote.fingerprint_algorithm, remote.fingerprint}});
  agent.set_remote_credentials(now, {remote.ufrag, remote.password});
  for (const std::string& candidate : remote.candidates) {
    remote_candidates.note(now, candidate);
    agent.add_remote_candidate(now, candidate);
  }
  if (last_dtls_flow) start_security(now);
  settle(now);
}

base::Result<void> Peer::add_remote_candidate(base::Instant now, std::string_view candidate_line) {
  if (candidate_line.empty() || parts_->over) return {};  // empty: the remote has no more
  parts_->remote_candidates.note(now, candidate_line);
  if (const auto candidate = ice::parse_candidate(candidate_line)) {
    parts_->agent.add_remote_candidate(now, *candidate);
    parts_->settle(now);
  } else if (candidate.error() == ice::CandidateRefusal::Malformed) {
    return base::fail(base::Errc::InvalidArgument, "the ICE candidate is malformed: it must read as RFC 8839 5.1 says");
  }
  return {};
}

std::vector<std::string> Peer::local_candidates() const {
  std::vector<std::string> lines;
  for (const ice::Candidate& candidate : parts_->agent.local_candidates()) {
    lines.push_back(ice::write_candidate(candidate));
  }
  return lines;
}

std::string_view Peer::local_ufrag() const {
  return parts_->agent.local_credentials().ufrag;
}

void Peer::handle_datagrams(base::Instant now, std::span<base::Datagram> datagrams) {
  OpenBatch& batch = parts_->own_batch;
  parts_->sort(now, datagrams, batch);
  batch.open();
  parts_->take_opened(now, batch);
  batch.clear();
}

void Peer::sort_datagrams(base::Instant now, std::span<base::Datagram> datagrams, OpenBatch& batch) {
  parts_->sort(now, datagrams, batch);
}

void Peer::take_opened(base::Instant now, const OpenBatch& batch) {
  parts_->take_opened(now, batch);
}

void Peer::prefetch(int step) const {
  const Parts& parts = *parts_;
  if (step == 0) {
    base::prefetch_between(&parts, parts.prefetched_to());
  } else if (const srtp::Opener* opener = parts.secure.opener()) {
    if (step == 1) opener->prefetch_state();
    if (step == 2) opener->prefetch_keys();
    if (step == 3) opener->prefetch_windows();
  }
}

void Peer::prefetch_media(int step, const OpenBatch& batch) const {
  static_assert(kMediaPrefetchSteps == rtp::Session::kPrefetchSteps);
  const Parts& parts = *parts_;
  if (!parts.media || parts.sealed == 0) return;
  parts.media->prefetch(step, batch.packets().subspan(parts.first_sealed, parts.sealed));
}

void Peer::prefetch_to_send(int step, MediaKind kind) const {
  const Parts& parts = *parts_;
  if (step == 0) {
    base::prefetch_between(&parts, parts.prefetched_to());
    base::prefetch(&parts.forwarded, sizeof parts.forwarded + sizeof parts.forwarded_bytes);
    return base::prefetch(&parts.counters, sizeof parts.counters.datagrams_sent);
  }
  if (!parts.media) return;
  parts.media->prefetch_to_send(step - 1, kind);
  if (step < 3) parts.secure.prefetch_to_seal(step - 1);
  if (step == 1 && !parts.forwarded.places().empty()) base::prefetch(parts.forwarded.places().data());
}

void Peer::handle_datagram(base::Instant now, base::Datagram datagram) {
  handle_datagrams(now, {&datagram, 1});
}

void Peer::handle_timeout(base::Instant now) {
  Parts& parts = *parts_;
  if (parts.over) return;
  const bool path_is_due = now >= parts.path_deadline;
  if (path_is_due && now >= parts.agent.next_timeout()) parts.agent.handle_timeout(now);
  if (path_is_due && now >= parts.secure.next_timeout()) parts.secure.handle_timeout(now);
  if (parts.media && now >= parts.media->next_timeout()) parts.media->handle_timeout(now);
  parts.pad_tails(now);
  if (path_is_due) return parts.settle(now);
  parts.settle_media(now);
}

std::optional<base::Transmit> Peer::poll_transmit() {
  if (!parts_->bursts.empty()) parts_->split_bursts();
  return base::pop_front(parts_->transmits);
}
std::optional<base::Burst> Peer::poll_burst() {
  return base::pop_front(parts_->bursts);
}
std::optional<Peer::Event> Peer::poll_event() {
  if (!parts_->events.empty()) return base::pop_front(parts_->events);
  return parts_->over ? std::nullopt : parts_->poll_media_event();
}

base::Instant Peer::next_timeout() const {
  if (parts_->over) return base::kNever;
  if (!parts_->deadline) parts_->deadline = parts_->find_deadline();
  return *parts_->deadline;
}

base::Instant Peer::Parts::find_deadline() const {
  if (!media) return path_deadline;
  return std::min({path_deadline, media->next_timeout(), video_tail.next_timeout(), audio_tail.next_timeout()});
}

std::span<const std::uint32_t> Peer::media_sources() const {
  return parts_->secure.rtp_ssrcs();
}

bool Peer::has_path(const base::Flow& flow) const {
  return parts_->agent.has_pair(flow);
}

void Peer::send_frame(base::Instant now, MediaKind kind, const codecs::Frame& frame, std::uint32_t rtp_timestamp,
                      base::WallTime capture) {
  if (!connected() || codecs::kind_of(frame.codec) != kind) return;
  parts_->media->send_frame(now, frame, rtp_timestamp, capture);
  if (!parts_->options.like_c_sdk) parts_->tail(kind).note_frame(now);
  parts_->settle_media(now);
}

void Peer::send_prepared(base::Instant now, MediaKind kind, std::size_t index, std::uint32_t rtp_timestamp,
                         base::WallTime capture) {
  if (!connected()) return;
  parts_->send_prepared(now, kind, {index, rtp_timestamp, capture});
}

void Peer::end_of_media(base::Instant now) {
  if (!connected() || parts_->options.like_c_sdk) return;
  for (const MediaKind kind : {MediaKind::Video, MediaKind::Audio}) {
    if (sends(kind)) parts_->tail(kind).note_frame(now);
  }
  parts_->deadline.reset();
}

void Peer::restart_source(MediaKind kind) {
  if (connected()) parts_->media->restart_sender(kind, parts_->random.u32() | 1);
}

void Peer::change_payload_type(MediaKind kind, std::uint8_t payload_type) {
  if (connected()) parts_->media->change_payload_type(kind, payload_type);
}

void Peer::forward_video(base::Instant now) {
  if (!connected()) return;
  parts_->forward(now);
}

bool Peer::awaits_key_frame() const {
  return connected() && parts_->media->awaits_key_frame();
}

void Peer::request_key_frame(base::Instant now) {
  if (!connected()) return;
  parts_->media->request_key_frame(now);
  parts_->settle_media(now);
}

bool Peer::fill_video_history(base::Instant now, std::span<const rtp::EarlierFrame> frames) {
  return connected() && parts_->media->fill_history(now, frames);
}

void Peer::rest(base::Instant now) {
  if (!connected() || std::exchange(parts_->resting, true)) return;
  parts_->media->skip(now);
  parts_->settle_media(now);
}

void Peer::resume(base::Instant now) {
  if (!std::exchange(parts_->resting, false) || !connected()) return;
  parts_->media->request_key_frame(now);
  parts_->settle_media(now);
}

void Peer::ask_for_share(base::Instant now, double share) {
  if (!connected()) return;
  parts_->media->ask_for_share(now, share);
  parts_->settle_media(now);
}

void Peer::close(base::Instant now) {
  Parts& parts = *parts_;
  if (parts.over) return;
  parts.settle(now);
  const std::size_t before = parts.transmits.size();
  if (parts.media) {
    parts.media->finish(now);
    parts.send_media();
  }
  parts.secure.close(now);
  while (auto payload = parts.secure.poll_transmit()) parts.transmit(*std::move(payload));
  const std::vector<base::Transmit> closing(parts.transmits.begin() + static_cast<std::ptrdiff_t>(before),
                                            parts.transmits.end());
  for (int copy = 1; copy < kClosingCopies; ++copy) {
    parts.transmits.insert(parts.transmits.end(), closing.begin(), closing.end());
  }
  // The recording keeps what arrived whole, also behind a packet that can no longer be repaired.
  while (auto event = parts.poll_media_event()) parts.events.push_back(*std::move(event));
  std::erase_if(parts.events, [](const Event& event) { return !std::holds_alternative<FrameReceived>(event); });
  parts.over = true;
}

bool Peer::connected() const {
  return parts_->media.has_value() && !parts_->over;
}

bool Peer::receives(MediaKind kind) const {
  const sdp::Track* track = find_track(parts_->agreed, kind);
  return track != nullptr && track->receives;
}

bool Peer::sends(MediaKind kind) const {
  const sdp::Track* track = find_track(parts_->agreed, kind);
  return track != nullptr && track->sends;
}

std::vector<base::Bytes> Peer::sdp_parameter_sets() const {
  const sdp::Track* track = find_track(parts_->agreed, MediaKind::Video);
  return track != nullptr ? track->parameter_sets : std::vector<base::Bytes>();
}

PathReport Peer::path() const {
  return {parts_->remote_candidates, parts_->agent.pairs(), parts_->first_media};
}

PeerStats Peer::stats() const {
  const Parts& parts = *parts_;
  PeerStats stats = parts.counters;
  stats.datagrams_received = parts.received;
  stats.ice = parts.agent.stats();
  stats.dtls = parts.secure.dtls_stats();
  stats.srtp = parts.secure.rtp_stats();
  stats.srtcp = parts.secure.rtcp_stats();
  if (!parts.media) return stats;
  stats.rtp = parts.media->stats();
  // Who is sent nothing reports nothing: then the last connectivity check tells (every few seconds, RFC 7675).
  if (const base::Duration check = parts.agent.round_trip_time(); !stats.rtp.round_trip && check > base::Duration()) {
    stats.rtp.round_trip = check;
  }
  if (const auto* video = parts.media->receiver_stats(MediaKind::Video)) stats.video_received = *video;
  if (const auto* audio = parts.media->receiver_stats(MediaKind::Audio)) stats.audio_received = *audio;
  if (const auto* video = parts.media->sender_stats(MediaKind::Video)) stats.video_sent = *video;
  if (const auto* audio = parts.media->sender_stats(MediaKind::Audio)) stats.audio_sent = *audio;
  return stats;
}

}  // namespace webrtc
