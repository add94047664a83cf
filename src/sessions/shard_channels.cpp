// SPDX-License-Identifier: Apache-2.0
#include "sessions/shard_channels.hpp"

#include <utility>
#include <vector>

namespace sessions {
namespace {

// How often channels without sockets, messages and sessions are forgotten.
constexpr std::chrono::seconds kSweepInterval(10);

}  // namespace

struct ShardChannels::Channel {
  ChannelSettings settings;
  SignalingChannel signaling;
  std::unique_ptr<StorageSession> session;
  bool master_on_loopback = false;
  // A join came while no master was connected: it gets a fresh offer if it connects before this.
  std::optional<base::Instant> join_waits_until;
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
  if (role != Role::Master) return;
  channel.master_on_loopback = on_loopback;
  const auto waits_until = std::exchange(channel.join_waits_until, std::nullopt);
  if (waits_until && now < *waits_until) start_session(now, channel);
}

void ShardChannels::disconnect(const std::string& arn, Role role, const std::string& client_id,
                               const SignalingSink* sink) {
  --stats_.connections;
  const auto it = channels_.find(arn);
  if (it != channels_.end()) it->second->signaling.disconnect(role, client_id, sink);
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
  // No or an empty recipient means the storage session (contract 2.2), as long as there is one.
  if (role == Role::Master && message.recipient_client_id.empty() && channel.session != nullptr) {
    return channel.session->handle_message(now, message);
  }
  return channel.signaling.route(now, role, client_id, message, channel.settings.message_ttl);
}

base::Result<void> ShardChannels::send_to_master(const ChannelSettings& settings, const std::string& client_id,
                                                 const ClientMessage& message) {
  Channel& channel = find_or_make(settings);
  return channel.signaling.route(shard_.now(), Role::Viewer, client_id, message, settings.message_ttl);
}

base::Result<void> ShardChannels::join(const ChannelSettings& settings) {
  if (draining_) return base::fail(base::Errc::Unavailable, "this server is stopping: join again in a moment");
  const base::Instant now = shard_.now();
  Channel& channel = find_or_make(settings);
  if (channel.signaling.find_master() == nullptr) {
    channel.join_waits_until = now + channel.settings.message_ttl;
    return {};
  }
  start_session(now, channel);
  return {};
}

void ShardChannels::start_session(base::Instant now, Channel& channel) {
  if (draining_ || channel.settings.log == nullptr) return;  // stopping, or storage was disabled since
  if (channel.session == nullptr || channel.session->is_over() ||
      channel.session->stream() != channel.settings.log->stream()) {
    channel.session =
        std::make_unique<StorageSession>(environment_, channel.settings.name, channel.settings.log, stats_.sessions);
  }
  channel.session->join(now, channel.master_on_loopback, *channel.signaling.find_master());
}

void ShardChannels::sweep() {
  const base::Instant now = shard_.now();
  for (auto it = channels_.begin(); it != channels_.end();) {
    Channel& channel = *it->second;
    channel.signaling.expire(now);
    if (channel.join_waits_until && *channel.join_waits_until <= now) channel.join_waits_until.reset();
    if (channel.session != nullptr && channel.session->is_over()) channel.session.reset();
    const bool idle = channel.signaling.is_empty() && channel.session == nullptr && !channel.join_waits_until;
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
