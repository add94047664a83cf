// SPDX-License-Identifier: Apache-2.0
#include "sessions/storage_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "async/shard.hpp"
#include "base/log.hpp"
#include "sessions/storage_session_member.hpp"

namespace sessions {
namespace {

// Who only listens costs little: what is bounded is how many are mixed.
conference::Options conference_options() {
  conference::Options options;
  options.max_participants = 16'384;
  return options;
}

base::Result<SessionDescription> parse_offer(const std::string& payload) {
  TRY(auto description, parse_description_payload(payload));
  if (description.type != "offer") {
    return base::fail(base::Errc::InvalidArgument, "the description in an SDP_OFFER must have the type offer");
  }
  return description;
}

}  // namespace

StorageSession::StorageSession(SessionEnvironment& environment, std::string channel_name,
                               std::shared_ptr<streams::FragmentLog> log, SessionStats& stats)
    : environment_(environment),
      channel_name_(std::move(channel_name)),
      log_(std::move(log)),
      stats_(stats),
      video_(std::make_shared<rtp::PacketHistory>()),
      conference_(conference_options()),
      timer_(
          environment.port.shard(), [this] { tick(); }, async::Precision::Coarse),
      audio_timer_(environment.port.shard(), [this] { mix_audio(); }),
      limit_timer_(
          environment.port.shard(), [this] { check_limits(); }, async::Precision::Coarse),
      reaper_(environment.port.shard(), [this] { retired_.clear(); }) {
  video_->set_wanted(false);
}

StorageSession::~StorageSession() = default;

std::string StorageSession::name_of(const Member& member) const {
  if (member.is_master()) return fmt::format("session of channel {}", channel_name_);
  return fmt::format("session of channel {}, viewer {}", channel_name_, member.client_id);
}

base::Result<void> StorageSession::check_place(base::Instant now, const std::string& client_id) {
  if (environment_.max_viewers == 0 || client_id.empty()) return {};
  if (count_viewers(now, client_id) < environment_.max_viewers) return {};
  // Clients look for these words and stop trying (contract 3.3).
  return base::fail(
      base::Errc::LimitExceeded,
      fmt::format("The maximum number of viewers connected to the session, {}, is reached: a place "
                  "becomes free {} s after its viewer has left",
                  environment_.max_viewers, std::chrono::duration_cast<std::chrono::seconds>(kPlaceKept).count()));
}

// Those that are here, on their way, or have just left.
std::size_t StorageSession::count_viewers(base::Instant now, const std::string& except) {
  std::erase_if(places_, [&](const auto& place) { return place.second <= now; });
  std::set<std::string_view> ids;
  for (const auto& [id, until] : places_) ids.insert(id);
  for (const auto& member : members_) ids.insert(member->client_id);
  ids.erase(std::string_view());
  ids.erase(except);
  return ids.size();
}

void StorageSession::give_up_oldest_offer(base::Instant now, const std::string& client_id) {
  const auto waits = [&](const auto& m) { return m->client_id == client_id && !m->connected; };
  if (static_cast<std::size_t>(std::ranges::count_if(members_, waits)) < kMaxPeers) return;
  end(now, **std::ranges::find_if(members_, waits),
      {EndReason::Superseded, "newer joins of the client came before this one was connected"});
}

StorageSession::Member& StorageSession::add_member(base::Instant now, const Joiner& joiner, SessionTrace trace,
                                                   webrtc::PeerOptions::Role role) {
  ++stats_.joins;
  give_up_oldest_offer(now, joiner.client_id);
  places_.erase(joiner.client_id);
  webrtc::PeerOptions options;
  options.role = role;
  options.connect_limit = environment_.connect_limit;
  options.certificate = environment_.certificate;
  options.local_addresses = joiner.on_loopback ? environment_.loopback_candidates : environment_.candidates;
  const auto sound = std::make_shared<rtp::PacketHistory>();
  sound->set_wanted(false);
  options.audio_history = sound;
  options.frame_buffers = environment_.frame_buffers;
  if (joiner.is_master()) {
    options.video_history = video_;
  } else {
    options.video = webrtc::Direction::SendOnly;
    options.forwarded_video = video_;
  }
  auto member = std::make_unique<Member>(*this, now, joiner.client_id, std::move(trace), std::move(options));
  member->timeline.note_local_candidates(member->peer().local_candidates());
  member->sequence = next_sequence_++;
  member->sound = sound;
  Member& added = *members_.emplace_back(std::move(member));
  keep_video(now);
  return added;
}

base::Result<void> StorageSession::join(base::Instant now, const Joiner& joiner, SessionTrace trace,
                                        SignalingSink& sink) {
  if (auto place = check_place(now, joiner.client_id); !place) {
    trace.end(now, {EndReason::JoinRefused, place.error().message});
    return place;
  }
  Member& member = add_member(now, joiner, std::move(trace), webrtc::PeerOptions::Role::Offerer);
  const std::string offer = member.peer().create_offer(now);
  sink.send(make_server_message(SignalingAction::SdpOffer, "", make_description_payload("offer", offer)));
  for (const std::string& candidate : member.peer().local_candidates()) {
    sink.send(make_server_message(SignalingAction::IceCandidate, "", make_candidate_payload(candidate)));
  }
  member.timeline.reach(now, Step::OfferSent);
  member.port_peer.pump(now);
  return {};
}

base::Result<void> StorageSession::answer_offer(base::Instant now, const Joiner& joiner, SessionTrace trace,
                                                const ClientMessage& offer, SignalingSink& sink) {
  if (auto place = check_place(now, joiner.client_id); !place) {
    trace.end(now, {EndReason::JoinRefused, place.error().message});
    return place;
  }
  trace.reach(now, Step::OfferReceived);
  const auto description = parse_offer(offer.payload);
  if (!description) {
    trace.end(now, {EndReason::DescriptionRefused, description.error().message});
    return base::fail(description.error());
  }
  Member& member = add_member(now, joiner, std::move(trace), webrtc::PeerOptions::Role::Answerer);
  const auto answer = member.peer().accept_offer(now, description->sdp);
  if (!answer) {
    end(now, member, {EndReason::DescriptionRefused, answer.error().message});
    ++stats_.rejected_answers;
    return base::fail(answer.error());
  }
  member.answered = true;
  sink.send(
      make_server_message(SignalingAction::SdpAnswer, kMasterSenderId, make_description_payload("answer", *answer)));
  member.timeline.reach(now, Step::Answered);
  member.port_peer.pump(now);
  return {};
}

base::Result<void> StorageSession::handle_message(base::Instant now, const std::string& client_id,
                                                  const ClientMessage& message) {
  switch (message.action) {
    case SignalingAction::SdpAnswer:
      return handle_answer(now, client_id, message.payload);
    case SignalingAction::IceCandidate:
      return handle_candidate(now, client_id, message.payload);
    case SignalingAction::SdpOffer:
      break;
  }
  return base::fail(base::Errc::InvalidArgument, "the storage session makes the offer: send an SDP_ANSWER");
}

base::Result<void> StorageSession::handle_answer(base::Instant now, const std::string& client_id,
                                                 const std::string& payload) {
  TRY(const auto description, parse_description_payload(payload));
  if (description.type != "answer") {
    return base::fail(base::Errc::InvalidArgument, "the description in an SDP_ANSWER must have the type answer");
  }
  // An answer does not say which offer it answers, and webrtc-sdk-c refuses a second offer while it works on the first:
  // every waiting peer takes it, and only the one whose password the client uses will connect.
  std::vector<Member*> waiting;
  for (const auto& member : members_) {
    if (member->client_id == client_id && !member->answered) waiting.push_back(member.get());
  }
  if (waiting.empty()) return base::fail(base::Errc::InvalidArgument, "no offer waits for this answer");
  std::optional<base::Error> refused;
  for (Member* member : waiting) {
    auto accepted = member->peer().set_answer(now, description.sdp);
    if (!accepted) {
      refused = accepted.error();
      end(now, *member, {EndReason::DescriptionRefused, refused->message});
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

base::Result<void> StorageSession::handle_candidate(base::Instant now, const std::string& client_id,
                                                    const std::string& payload) {
  TRY(const std::string line, parse_candidate_payload(payload));
  for (const auto& member : members_) {
    if (member->client_id != client_id) continue;
    TRY_VOID(member->peer().add_remote_candidate(now, line));
    member->port_peer.pump(now);
  }
  return {};
}

bool StorageSession::has_peer_of(const std::string& client_id) const {
  return std::ranges::any_of(members_, [&](const auto& member) { return member->client_id == client_id; });
}

StorageSession::Member* StorageSession::find_active(const std::string& client_id) {
  const auto it = std::ranges::find_if(
      members_, [&](const auto& member) { return member->connected && member->client_id == client_id; });
  return it == members_.end() ? nullptr : it->get();
}

void StorageSession::handle_event(base::Instant now, Member& member, webrtc::PeerEvent event) {
  if (auto* frame = std::get_if<webrtc::FrameReceived>(&event)) {
    record(now, member, std::move(*frame));
  } else if (const auto* report = std::get_if<webrtc::SenderReportReceived>(&event)) {
    if (member.connected && recorder_ != nullptr) {
      recorder_->handle_sender_report(
          member.client_id, {to_stream_kind(report->kind), report->ntp, report->rtp_timestamp, clock_of(report->kind)});
    }
  } else if (std::holds_alternative<webrtc::KeyFrameRequested>(event)) {
    if (master_ != nullptr && master_ != &member) request_key_frame(now);
  } else if (std::holds_alternative<webrtc::IceConnected>(event)) {
    member.timeline.reach(now, Step::IceConnected);
  } else if (std::holds_alternative<webrtc::DtlsConnected>(event)) {
    member.timeline.reach(now, Step::DtlsConnected);
    activate(now, member);
  } else if (std::holds_alternative<webrtc::RemoteClosed>(event)) {
    end(now, member, {EndReason::ClientLeft, "the client closed the connection"});
  } else if (auto* failed = std::get_if<webrtc::Failed>(&event)) {
    end(now, member, explain(now, member, *failed));
  }
}

void StorageSession::handle_batch_end(base::Instant now, Member& member) {
  // Where nobody else is, nothing is kept for others: what that would look at stays out of the cache.
  const bool has_company = members_.size() > 1;
  if (has_company) hear(now, member);
  if (master_ != &member) return;
  if (has_company) forward_video(now);
  if (recorder_->wants_key_frame(now)) member.peer().request_key_frame(now);
}

void StorageSession::activate(base::Instant now, Member& member) {
  ++stats_.connected;
  // Joins of this client before this one are over, connected or not; a later one may still replace it.
  Member* const current = find_active(member.client_id);
  if (current != nullptr && current->sequence > member.sequence) {
    end(now, member, {EndReason::Superseded, "a newer join had connected already"});
    return;
  }
  std::vector<Member*> older;
  for (const auto& other : members_) {
    if (other->client_id == member.client_id && other->sequence < member.sequence) older.push_back(other.get());
  }
  for (Member* other : older) {
    ++stats_.replaced;
    retire(now, *other,
           {other->connected ? EndReason::Replaced : EndReason::Superseded, "a newer join of the client connected"});
  }
  member.connected = true;
  watch_limits(now, member);
  join_conference(now, member);
  if (member.is_master()) {
    activate_master(now, member, current != nullptr);
  } else {
    activate_viewer(now, member);
  }
  base::log_info("{}: connected ({})", name_of(member), member.timeline.text());
}

void StorageSession::end(base::Instant now, Member& member, SessionEnd how) {
  if (member.timeline.has(Step::DtlsConnected)) {
    ++stats_.ended;
  } else {
    ++stats_.failed;
  }
  if (!member.is_master() && member.connected) places_[member.client_id] = now + kPlaceKept;
  const bool fed_recorder = &member == master_;
  retire(now, member, std::move(how));
  if (fed_recorder) finish_recording(now, streams::GapReason::PublisherLeft);
}

void StorageSession::retire(base::Instant now, Member& member, SessionEnd how) {
  webrtc::Peer& peer = member.peer();
  peer.close(now);
  while (auto event = peer.poll_event()) {
    if (auto* frame = std::get_if<webrtc::FrameReceived>(&*event)) record(now, member, std::move(*frame));
  }
  leave_conference(now, member);
  if (recorder_ != nullptr && member.connected) recorder_->end_audio(now, member.client_id);
  if (&member == master_) master_ = nullptr;
  member.timeline.note_path(peer.path());
  member.timeline.end(now, std::move(how));
  count_dropped(member);
  member.port_peer.pump(now);
  const auto it = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.get() == &member; });
  member.retired = true;
  retired_.push_back(std::move(*it));
  members_.erase(it);
  keep_video(now);
  reaper_.arm(now);
}

async::Task<void> StorageSession::stop(streams::GapReason reason) {
  const base::Instant now = async::now();
  const SessionEnd how{EndReason::ServerStopped, "the server is stopping: join again"};
  while (!members_.empty()) retire(now, *members_.back(), how);
  if (recorder_ == nullptr) co_return;
  recorder_->finish(now, reason);
  co_await recorder_->wait_until_durable(std::chrono::seconds(10));
  recorder_.reset();
  timer_.disarm();
}

}  // namespace sessions
