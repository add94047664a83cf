// SPDX-License-Identifier: Apache-2.0
#include "sessions/storage_session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/shard.hpp"
#include "base/log.hpp"

namespace sessions {
namespace {

constexpr std::uint32_t kVideoClock = 90'000;
constexpr std::uint32_t kOpusClock = 48'000;
// The master has no client id of its own.
const std::string kMasterParticipant;

streams::MediaKind to_stream_kind(webrtc::MediaKind kind) {
  return kind == webrtc::MediaKind::Video ? streams::MediaKind::Video : streams::MediaKind::Audio;
}

std::uint32_t clock_of(webrtc::MediaKind kind) {
  return kind == webrtc::MediaKind::Video ? kVideoClock : kOpusClock;
}

}  // namespace

struct StorageSession::Member {
  Member(StorageSession& session, base::Instant now, webrtc::PeerOptions options)
      : port_peer(session.environment_.port, session, now, session.environment_.random, std::move(options)),
        timeline(now) {}

  PortPeer port_peer;
  SessionTimeline timeline;
  std::uint64_t sequence = 0;
  DroppedPackets counted;  // what of its drops is in the statistics already
  bool answered = false;
};

StorageSession::StorageSession(SessionEnvironment& environment, std::string channel_name,
                               std::shared_ptr<streams::FragmentLog> log, SessionStats& stats)
    : environment_(environment),
      channel_name_(std::move(channel_name)),
      log_(std::move(log)),
      stats_(stats),
      timer_(environment.port.shard(), [this] { tick(); }),
      reaper_(environment.port.shard(), [this] { retired_.clear(); }) {}

StorageSession::~StorageSession() = default;

void StorageSession::join(base::Instant now, bool caller_on_loopback, SignalingSink& master) {
  ++stats_.joins;
  const auto waiting =
      std::count_if(members_.begin(), members_.end(), [&](const auto& m) { return m.get() != active_; });
  if (static_cast<std::size_t>(waiting) >= kMaxPeers) {
    const auto oldest =
        std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.get() != active_; });
    end(now, **oldest, "newer joins came before it was answered");
  }

  webrtc::PeerOptions options;
  options.role = webrtc::PeerOptions::Role::Offerer;
  options.certificate = environment_.certificate;
  options.local_addresses = caller_on_loopback ? environment_.loopback_candidates : environment_.candidates;
  auto member = std::make_unique<Member>(*this, now, std::move(options));
  member->sequence = next_sequence_++;
  webrtc::Peer& peer = member->port_peer.peer();
  master.send(
      make_server_message(SignalingAction::SdpOffer, "", make_description_payload("offer", peer.create_offer(now))));
  for (const std::string& candidate : peer.local_candidates()) {
    master.send(make_server_message(SignalingAction::IceCandidate, "", make_candidate_payload(candidate)));
  }
  member->timeline.reach(now, Step::OfferSent);
  member->port_peer.pump(now);
  members_.push_back(std::move(member));
}

base::Result<void> StorageSession::handle_message(base::Instant now, const ClientMessage& message) {
  switch (message.action) {
    case SignalingAction::SdpAnswer:
      return handle_answer(now, message.payload);
    case SignalingAction::IceCandidate:
      return handle_candidate(now, message.payload);
    case SignalingAction::SdpOffer:
      break;
  }
  return base::fail(base::Errc::InvalidArgument, "the storage session makes the offer: send an SDP_ANSWER");
}

base::Result<void> StorageSession::handle_answer(base::Instant now, const std::string& payload) {
  TRY(const auto description, parse_description_payload(payload));
  if (description.type != "answer") {
    return base::fail(base::Errc::InvalidArgument, "the description in an SDP_ANSWER must have the type answer");
  }
  // An answer does not say which offer it answers, and webrtc-sdk-c refuses a second offer while it works on the first:
  // every waiting peer takes it, and only the one whose password the client uses will connect.
  std::vector<Member*> waiting;
  for (const auto& member : members_) {
    if (!member->answered) waiting.push_back(member.get());
  }
  if (waiting.empty()) return base::fail(base::Errc::InvalidArgument, "no offer waits for this answer");
  std::optional<base::Error> refused;
  for (Member* member : waiting) {
    auto accepted = member->port_peer.peer().set_answer(now, description.sdp);
    if (!accepted) {
      refused = accepted.error();
      end(now, *member, refused->message);
      continue;
    }
    member->answered = true;
    member->timeline.reach(now, Step::Answered);
    member->port_peer.pump(now);
  }
  if (refused) {
    ++stats_.rejected_answers;
    return base::fail(*std::move(refused));
  }
  return {};
}

base::Result<void> StorageSession::handle_candidate(base::Instant now, const std::string& payload) {
  TRY(const std::string line, parse_candidate_payload(payload));
  for (const auto& member : members_) {
    TRY_VOID(member->port_peer.peer().add_remote_candidate(now, line));
    member->port_peer.pump(now);
  }
  return {};
}

StorageSession::Member* StorageSession::find_member(const webrtc::Peer& peer) {
  const auto it =
      std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return &m->port_peer.peer() == &peer; });
  return it == members_.end() ? nullptr : it->get();
}

void StorageSession::handle_peer_event(base::Instant now, webrtc::Peer& peer, webrtc::PeerEvent event) {
  Member* member = find_member(peer);
  if (member == nullptr) return;  // retired in this very batch
  if (auto* frame = std::get_if<webrtc::FrameReceived>(&event)) {
    record(now, *member, std::move(*frame));
  } else if (const auto* report = std::get_if<webrtc::SenderReportReceived>(&event)) {
    if (member == active_) {
      recorder_->handle_sender_report(kMasterParticipant, {to_stream_kind(report->kind), report->ntp,
                                                           report->rtp_timestamp, clock_of(report->kind)});
    }
  } else if (std::holds_alternative<webrtc::IceConnected>(event)) {
    member->timeline.reach(now, Step::IceConnected);
  } else if (std::holds_alternative<webrtc::DtlsConnected>(event)) {
    member->timeline.reach(now, Step::DtlsConnected);
    activate(now, *member);
  } else if (std::holds_alternative<webrtc::RemoteClosed>(event)) {
    end(now, *member, "the client closed the connection");
  } else if (auto* failed = std::get_if<webrtc::Failed>(&event)) {
    end(now, *member, member->answered ? failed->reason : "the client did not answer the offer");
  }
}

void StorageSession::handle_batch_end(base::Instant now, webrtc::Peer& peer) {
  if (active_ == nullptr || &active_->port_peer.peer() != &peer) return;
  if (recorder_->wants_key_frame(now)) peer.request_key_frame(now);
}

void StorageSession::activate(base::Instant now, Member& member) {
  ++stats_.connected;
  // Joins before this one are over, connected or not; a later one may still replace it.
  std::vector<Member*> older;
  for (const auto& other : members_) {
    if (other->sequence < member.sequence) older.push_back(other.get());
  }
  const bool continues = active_ != nullptr;
  if (active_ != nullptr && active_->sequence > member.sequence) {
    end(now, member, "a newer join had connected already");
    return;
  }
  for (Member* other : older) {
    ++stats_.replaced;
    base::log_info("session of channel {}: replaced by a newer join ({})", channel_name_, other->timeline.text());
    retire(now, *other);
  }
  active_ = &member;
  if (continues) {
    recorder_->restart_media(now);
  } else {
    recorder_ = std::make_unique<streams::Recorder>(environment_.recorder, log_, now, async::wall_now());
  }
  const webrtc::Peer& peer = member.port_peer.peer();
  recorder_->set_sdp_parameter_sets(peer.sdp_parameter_sets());
  if (peer.receives(webrtc::MediaKind::Audio)) recorder_->add_audio(kMasterParticipant);
  watch_for_fragment(member);
  timer_.arm(now + std::chrono::seconds(1));
  base::log_info("session of channel {}: connected ({})", channel_name_, member.timeline.text());
}

void StorageSession::record(base::Instant now, Member& member, webrtc::FrameReceived event) {
  if (&member != active_) return;
  member.timeline.reach(now, Step::FirstFrame);
  if (event.kind == webrtc::MediaKind::Video && event.frame.frame.key_frame) {
    member.timeline.reach(now, Step::FirstKeyFrame);
  }
  streams::ArrivedFrame frame;
  frame.kind = to_stream_kind(event.kind);
  frame.frame = std::move(event.frame.frame);
  frame.rtp_timestamp = event.frame.rtp_timestamp;
  frame.clock_rate = clock_of(event.kind);
  frame.arrived = event.frame.arrived;
  frame.after_loss = event.frame.after_loss;
  recorder_->write_frame(kMasterParticipant, std::move(frame));
}

void StorageSession::end(base::Instant now, Member& member, const std::string& reason) {
  if (member.timeline.has(Step::DtlsConnected)) {
    ++stats_.ended;
  } else {
    ++stats_.failed;
  }
  base::log_info("session of channel {}: ended: {} ({})", channel_name_, reason, member.timeline.text());
  const bool was_active = &member == active_;
  retire(now, member);
  if (was_active) finish_recording(now, streams::GapReason::PublisherLeft);
}

void StorageSession::retire(base::Instant now, Member& member) {
  webrtc::Peer& peer = member.port_peer.peer();
  peer.close(now);
  while (auto event = peer.poll_event()) {
    if (auto* frame = std::get_if<webrtc::FrameReceived>(&*event)) record(now, member, std::move(*frame));
  }
  if (&member == active_) active_ = nullptr;
  count_dropped(member);
  member.port_peer.pump(now);
  const auto it = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.get() == &member; });
  retired_.push_back(std::move(*it));
  members_.erase(it);
  reaper_.arm(now);
}

void StorageSession::finish_recording(base::Instant now, streams::GapReason reason) {
  if (recorder_ == nullptr) return;
  recorder_->finish(now, reason);
  const streams::RecorderStats stats = recorder_->stats();
  base::log_info(
      "recording of channel {}: stopped after {} fragments, {} video frames, {} audio packets; dropped {} frames "
      "after a loss, {} before a key frame, {} for a slow disk",
      channel_name_, stats.fragments, stats.video_frames, stats.audio_packets, stats.dropped_after_loss,
      stats.dropped_before_key, stats.dropped_disk_slow);
  recorder_.reset();
  timer_.disarm();
}

void StorageSession::count_dropped(Member& member) {
  const DroppedPackets now = dropped_packets(member.port_peer.peer().stats());
  stats_.dropped.add(now.since(member.counted));
  member.counted = now;
}

void StorageSession::tick() {
  if (recorder_ == nullptr) return;
  for (const auto& member : members_) count_dropped(*member);
  const base::Instant now = async::now();
  recorder_->handle_timeout(now, async::wall_now());
  timer_.arm(now + std::chrono::seconds(1));
}

// The commit itself tells: an operator reads here how long a camera takes until its footage is safe.
void StorageSession::watch_for_fragment(const Member& member) {
  environment_.port.shard().spawn(fmt::format("first fragment of channel {}", channel_name_),
                                  [weak = std::weak_ptr(self_), sequence = member.sequence,
                                   ordinal = recorder_->stats().fragments + 1]() -> async::Task<void> {
                                    streams::Recorder* recorder = nullptr;
                                    if (const auto session = weak.lock()) recorder = (*session)->recorder_.get();
                                    if (recorder == nullptr) co_return;
                                    const bool durable = co_await recorder->wait_for_fragment(ordinal);
                                    const auto session = weak.lock();
                                    if (!durable || session == nullptr) co_return;
                                    Member* active = (*session)->active_;
                                    if (active == nullptr || active->sequence != sequence) co_return;
                                    active->timeline.reach(async::now(), Step::FirstFragmentDurable);
                                    base::log_info("session of channel {}: recording ({})", (*session)->channel_name_,
                                                   active->timeline.text());
                                  });
}

async::Task<void> StorageSession::stop(streams::GapReason reason) {
  const base::Instant now = async::now();
  while (!members_.empty()) retire(now, *members_.back());
  if (recorder_ == nullptr) co_return;
  recorder_->finish(now, reason);
  co_await recorder_->wait_until_durable(std::chrono::seconds(10));
  recorder_.reset();
  timer_.disarm();
}

}  // namespace sessions
