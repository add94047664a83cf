// SPDX-License-Identifier: Apache-2.0
#include "sessions/shard_channels.hpp"

#include <utility>
#include <vector>

#include "base/log.hpp"

namespace sessions {
namespace {

// How often channels without sockets, messages and sessions are forgotten.
constexpr std::chrono::seconds kSweepInterval(10);
// Joins of viewers that wait for their socket; more are refused.
constexpr std::size_t kMaxWaitingViewers = 256;

}  // namespace

struct ShardChannels::Channel {
  ChannelSettings settings;
  SignalingChannel signaling;
  std::unique_ptr<StorageSession> session;
  bool master_on_loopback = false;
  std::map<std::string, bool> viewers_on_loopback;  // of the connected ones
  // A join came while no master was connected: it gets a fresh offer if it connects before this.
  std::optional<base::Instant> join_waits_until;
  std::map<std::string, base::Instant> viewers_wait_until;  // the same by client id

  SignalingSink* find_sink(const std::string& client_id) const {
    return client_id.empty() ? signaling.find_master() : signaling.find_viewer(client_id);
  }
  Joiner find_joiner(const std::string& client_id) const {
    if (client_id.empty()) return {.client_id = {}, .on_loopback = master_on_loopback};
    const auto it = viewers_on_loopback.find(client_id);
    return {.client_id = client_id, .on_loopback = it != viewers_on_loopback.end() && it->second};
  }
  // How long the join of a client that is not connected waits for it.
  std::optional<base::Instant> take_wait(const std::string& client_id) {
    if (client_id.empty()) return std::exchange(join_waits_until, std::nullopt);
    const auto waiting = viewers_wait_until.extract(client_id);
    return waiting.empty() ? std::nullopt : std::optional(waiting.mapped());
  }
};

ShardChannels::ShardChannels(async::Shard& shard, SessionEnvironment environment)
    : shard_(shard), environment_(std::move(environment)), sweeper_(shard, [this] { sweep(); }) {
  sweeper_.arm(async::now() + kSweepInterval);
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
  const auto waits_until = channel.take_wait(client_id);
  if (waits_until && now < *waits_until) start_session(now, channel, client_id);
}

void ShardChannels::disconnect(const std::string& arn, Role role, const std::string& client_id,
                               const SignalingSink* sink) {
  --stats_.connections;
  const auto it = channels_.find(arn);
  if (it == channels_.end()) return;
  if (role == Role::Viewer && it->second->signaling.is_current(role, client_id, sink)) {
    it->second->viewers_on_loopback.erase(client_id);
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
  return session_of(channel).answer_offer(now, channel.find_joiner(client_id), offer, *channel.find_sink(client_id));
}

base::Result<void> ShardChannels::join(const ChannelSettings& settings, const std::string& client_id) {
  if (draining_) return base::fail(base::Errc::Unavailable, "this server is stopping: join again in a moment");
  const base::Instant now = shard_.now();
  Channel& channel = find_or_make(settings);
  if (channel.session != nullptr) TRY_VOID(channel.session->check_place(now, client_id));
  if (channel.find_sink(client_id) != nullptr) {
    start_session(now, channel, client_id);
  } else if (client_id.empty()) {
    channel.join_waits_until = now + channel.settings.message_ttl;
  } else {
    std::erase_if(channel.viewers_wait_until, [&](const auto& waiting) { return waiting.second <= now; });
    if (channel.viewers_wait_until.size() >= kMaxWaitingViewers) {
      return base::fail(base::Errc::LimitExceeded,
                        "too many viewers have joined this channel without connecting to it");
    }
    channel.viewers_wait_until[client_id] = now + channel.settings.message_ttl;
  }
  return {};
}

StorageSession& ShardChannels::session_of(Channel& channel) {
  if (channel.session == nullptr || channel.session->is_over() ||
      channel.session->stream() != channel.settings.log->stream()) {
    channel.session =
        std::make_unique<StorageSession>(environment_, channel.settings.name, channel.settings.log, stats_.sessions);
  }
  return *channel.session;
}

void ShardChannels::start_session(base::Instant now, Channel& channel, const std::string& client_id) {
  if (draining_ || channel.settings.log == nullptr) return;  // stopping, or storage was disabled since
  const auto joined = session_of(channel).join(now, channel.find_joiner(client_id), *channel.find_sink(client_id));
  if (!joined) base::log_info("session of channel {}: {}", channel.settings.name, joined.error().message);
}

void ShardChannels::sweep() {
  const base::Instant now = shard_.now();
  for (auto it = channels_.begin(); it != channels_.end();) {
    Channel& channel = *it->second;
    channel.signaling.expire(now);
    if (channel.join_waits_until && *channel.join_waits_until <= now) channel.join_waits_until.reset();
    if (channel.session != nullptr && channel.session->is_over()) channel.session.reset();
    std::erase_if(channel.viewers_wait_until, [&](const auto& waiting) { return waiting.second <= now; });
    const bool idle = channel.signaling.is_empty() && channel.session == nullptr && !channel.join_waits_until &&
                      channel.viewers_wait_until.empty();
    it = idle ? channels_.erase(it) : std::next(it);
  }
  sweeper_.arm(now + kSweepInterval);
}

void ShardChannels::clear() {
  draining_ = true;
  sweeper_.disarm();
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
