// SPDX-License-Identifier: Apache-2.0
#include "sessions/shard_channels.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "sessions/shard_channel.hpp"

namespace sessions {
namespace {

// How often channels without sockets, messages and sessions are forgotten.
constexpr std::chrono::seconds kSweepInterval(10);
// Joins of viewers that wait for their socket; more are refused.
constexpr std::size_t kMaxWaitingViewers = 256;
constexpr const char* kTooManyAtOnce = "too many clients join this server at once: join again in a few seconds";
constexpr const char* kTooBusy =
    "this server has as much to do as it can: join again later, or give it more cores or fewer cameras";

}  // namespace

ShardChannels::ShardChannels(async::Shard& shard, SessionEnvironment environment)
    : shard_(shard),
      environment_(std::move(environment)),
      history_(environment_.random),
      turns_(environment_.joins_per_second),
      turn_timer_(shard, [this] { let_in(shard_.now()); }),
      next_sweep_(async::now() + kSweepInterval),
      sweeper_(shard, [this] { sweep(); }),
      overload_(environment_.busy_limit),
      load_timer_(shard, [this] { look_at_load(); }) {
  sweeper_.arm(next_sweep_);
}

ShardChannels::~ShardChannels() = default;

ShardChannels::Channel& ShardChannels::find_or_make(const ChannelSettings& settings) {
  auto& channel = channels_[settings.arn];
  if (channel == nullptr) channel = std::make_unique<Channel>();
  channel->settings = settings;
  return *channel;
}

void ShardChannels::connect(const ChannelSettings& settings, Role role, const std::string& client_id, bool on_loopback,
                            std::shared_ptr<SignalingSink> sink) {
  const base::Instant now = shard_.now();
  ++stats_.connections;
  Channel& channel = find_or_make(settings);
  channel.signaling.connect(now, role, client_id, std::move(sink));
  if (role == Role::Master) {
    channel.master_on_loopback = on_loopback;
  } else {
    channel.viewers_on_loopback[client_id] = on_loopback;
  }
  if (channel.session != nullptr) channel.session->note_signaling(client_id, true);
  expire_waits(now, channel);
  if (!channel.waits.contains(client_id)) return;
  if (turns_.push({settings.arn, client_id})) return let_in(now);
  auto sent_away = channel.waits.extract(client_id);
  sent_away.mapped().trace.end(now, {EndReason::JoinRefused, kTooManyAtOnce});
}

void ShardChannels::disconnect(const std::string& arn, Role role, const std::string& client_id,
                               const SignalingSink* sink) {
  --stats_.connections;
  const auto it = channels_.find(arn);
  if (it == channels_.end()) return;
  if (it->second->signaling.is_current(role, client_id, sink)) {
    if (role == Role::Viewer) it->second->viewers_on_loopback.erase(client_id);
    if (it->second->session != nullptr) it->second->session->note_signaling(client_id, false);
  }
  it->second->signaling.disconnect(role, client_id, sink);
}

void ShardChannels::receive(const std::string& arn, Role role, const std::string& client_id, Sender sender,
                            const std::string& text) {
  ++stats_.messages;
  const auto answer_failure = [&](const base::Error& error, const std::string& correlation_id) {
    ++stats_.rejected;
    if (!correlation_id.empty()) sender.sink.send(make_status_response(correlation_id, error));
  };
  const auto message = parse_client_message(text);
  if (!message) {
    answer_failure(message.error().error, message.error().correlation_id);
    return;
  }
  const auto it = channels_.find(arn);
  if (it == channels_.end() || !it->second->signaling.is_current(role, client_id, &sender.sink)) return;  // taken over
  const auto admitted = sender.rates.admit(shard_.now(), message->action);
  if (!admitted) {
    answer_failure(admitted.error(), message->correlation_id);
    return;
  }
  const auto delivered = deliver(shard_.now(), *it->second, role, client_id, *message);
  if (!delivered) answer_failure(delivered.error(), message->correlation_id);
}

base::Result<void> ShardChannels::deliver(base::Instant now, Channel& channel, Role role, const std::string& client_id,
                                          const ClientMessage& message) {
  if (role == Role::Viewer && message.action == SignalingAction::SdpOffer && channel.settings.log != nullptr) {
    return answer_viewer(now, channel, client_id, message);
  }
  // No or an empty recipient means the storage session (contract 2.2), as long as there is one.
  const bool is_for_session = role == Role::Master
                                  ? message.recipient_client_id.empty()
                                  : channel.session != nullptr && channel.session->has_peer_of(client_id);
  if (is_for_session && channel.session != nullptr) return channel.session->handle_message(now, client_id, message);
  return channel.signaling.route(now, role, client_id, message, channel.settings.message_ttl);
}

base::Result<void> ShardChannels::send_to_master(const ChannelSettings& settings, const std::string& client_id,
                                                 const ClientMessage& message) {
  Channel& channel = find_or_make(settings);
  return channel.signaling.route(shard_.now(), Role::Viewer, client_id, message, settings.message_ttl);
}

// With media storage enabled everybody's connection is with the session (contract 3.1): a viewer that makes the offer
// itself, as in peer-to-peer mode, gets its answer from there.
base::Result<void> ShardChannels::answer_viewer(base::Instant now, Channel& channel, const std::string& client_id,
                                                const ClientMessage& offer) {
  if (draining_) return base::fail(base::Errc::Unavailable, "this server is stopping: offer again in a moment");
  if (!overload_.admits()) return base::fail(base::Errc::LimitExceeded, kTooBusy);
  return session_of(channel).answer_offer(now, channel.find_joiner(client_id),
                                          begin_trace(now, channel.settings, client_id), offer,
                                          *channel.find_sink(client_id));
}

base::Result<void> ShardChannels::join(const ChannelSettings& settings, const std::string& client_id) {
  const base::Instant now = shard_.now();
  const auto refuse = [&](base::Error error) {
    note_refusal(settings, client_id, error);
    return base::fail(std::move(error));
  };
  if (draining_) return refuse({base::Errc::Unavailable, "this server is stopping: join again in a moment"});
  Channel& channel = find_or_make(settings);
  if (channel.session != nullptr) {
    if (auto place = channel.session->check_place(now, client_id); !place) return refuse(place.error());
  }
  const bool goes_on = channel.session != nullptr && channel.session->has_peer_of(client_id);
  if (!goes_on && !overload_.admits()) return refuse({base::Errc::LimitExceeded, kTooBusy});
  const bool is_here = channel.find_sink(client_id) != nullptr;
  if (is_here && !turns_.push({settings.arn, client_id})) return refuse({base::Errc::LimitExceeded, kTooManyAtOnce});
  if (auto waits = add_wait(now, channel, client_id, is_here); !waits) return refuse(waits.error());
  if (is_here) let_in(now);
  return {};
}

// Those whose turn has come. Who is not connected any more goes on waiting for its socket.
void ShardChannels::let_in(base::Instant now) {
  while (const auto join = turns_.pop(now)) {
    const auto it = channels_.find(join->arn);
    if (it == channels_.end() || it->second->find_sink(join->client_id) == nullptr) continue;
    auto waiting = it->second->waits.extract(join->client_id);
    if (!waiting.empty()) start_session(now, *it->second, join->client_id, std::move(waiting.mapped().trace));
  }
  turn_timer_.arm(turns_.next_due());
}

// A client that repeats its join before its turn has come has one record, of its newest join.
base::Result<void> ShardChannels::add_wait(base::Instant now, Channel& channel, const std::string& client_id,
                                           bool is_here) {
  expire_waits(now, channel);
  if (!is_here && !client_id.empty() && !channel.waits.contains(client_id) &&
      channel.waits.size() >= kMaxWaitingViewers) {
    return base::fail(base::Errc::LimitExceeded, "too many viewers have joined this channel without connecting to it");
  }
  const base::Instant until = now + channel.settings.message_ttl;
  if (const auto it = channel.waits.find(client_id); it != channel.waits.end()) {
    it->second.until = until;
    it->second.trace.restart(now, async::wall_now());
  } else {
    channel.waits.emplace(client_id, Channel::Wait{until, begin_trace(now, channel.settings, client_id)});
  }
  next_sweep_ = std::min(next_sweep_, until);
  sweeper_.arm(next_sweep_);
  return {};
}

void ShardChannels::expire_waits(base::Instant now, Channel& channel) {
  for (auto it = channel.waits.begin(); it != channel.waits.end();) {
    if (now < it->second.until) {
      ++it;
      continue;
    }
    it->second.trace.end(now, explain_absence(it->first.empty(), channel.settings.message_ttl));
    it = channel.waits.erase(it);
  }
}

SessionTrace ShardChannels::begin_trace(base::Instant now, const ChannelSettings& settings,
                                        const std::string& client_id) {
  return history_.begin(now, async::wall_now(), settings.name, client_id);
}

void ShardChannels::note_refusal(const ChannelSettings& settings, const std::string& client_id,
                                 const base::Error& error) {
  const base::Instant now = shard_.now();
  begin_trace(now, settings, client_id).end(now, {EndReason::JoinRefused, error.message});
}

std::vector<SessionRecord> ShardChannels::sessions(const std::optional<std::string>& channel_name) {
  for (const auto& [arn, channel] : channels_) {
    if (channel_name && channel->settings.name != *channel_name) continue;
    if (channel->session != nullptr) channel->session->update_traces();
  }
  return history_.list(channel_name);
}

StorageSession& ShardChannels::session_of(Channel& channel) {
  if (channel.session == nullptr || channel.session->is_over() ||
      channel.session->stream() != channel.settings.log->stream()) {
    if (channel.session != nullptr) {
      channel.session->end_traces(
          shard_.now(), {EndReason::StreamChanged, "the channel records into another stream now: join again"});
    }
    channel.session =
        std::make_unique<StorageSession>(environment_, channel.settings.name, channel.settings.log, stats_.sessions);
    watch_load();
  }
  return *channel.session;
}

void ShardChannels::start_session(base::Instant now, Channel& channel, const std::string& client_id,
                                  SessionTrace trace) {
  if (draining_) return;
  if (channel.settings.log == nullptr) {
    trace.end(now, {EndReason::StreamChanged, "media storage was disabled for the channel after the join"});
    return;
  }
  // A refusal is in its trace: the call was answered before the client came.
  (void)session_of(channel).join(now, channel.find_joiner(client_id), std::move(trace), *channel.find_sink(client_id));
}

void ShardChannels::sweep() {
  const base::Instant now = shard_.now();
  next_sweep_ = now + kSweepInterval;
  for (auto it = channels_.begin(); it != channels_.end();) {
    Channel& channel = *it->second;
    channel.signaling.expire(now);
    if (channel.session != nullptr && channel.session->is_over()) channel.session.reset();
    expire_waits(now, channel);
    for (const auto& [client_id, wait] : channel.waits) next_sweep_ = std::min(next_sweep_, wait.until);
    const bool idle = channel.signaling.is_empty() && channel.session == nullptr && channel.waits.empty();
    it = idle ? channels_.erase(it) : std::next(it);
  }
  sweeper_.arm(next_sweep_);
}

void ShardChannels::clear() {
  draining_ = true;
  sweeper_.disarm();
  turn_timer_.disarm();
  load_timer_.disarm();
  channels_.clear();
}

async::Task<void> ShardChannels::drain() {
  draining_ = true;
  std::vector<StorageSession*> sessions;
  for (const auto& [arn, channel] : channels_) {
    channel->signaling.send_to_all(make_go_away());
    if (channel->session != nullptr) sessions.push_back(channel->session.get());
  }
  sweeper_.disarm();  // nothing may go away while it is awaited
  for (StorageSession* session : sessions) co_await session->stop(streams::GapReason::ServerStopped);
  for (const auto& [arn, channel] : channels_) channel->signaling.close_all("the server is stopping");
  clear();
}

}  // namespace sessions
