// SPDX-License-Identifier: Apache-2.0
#pragma once
// The channels that live on one shard: their sockets, their waiting joins and their storage sessions.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/shard.hpp"
#include "async/timer.hpp"
#include "sessions/join_queue.hpp"
#include "sessions/message_rates.hpp"
#include "sessions/overload.hpp"
#include "sessions/signaling_channel.hpp"
#include "sessions/storage_session.hpp"

namespace sessions {

// What a join or a message needs to know of its channel at that moment.
struct ChannelSettings {
  std::string arn;
  std::string name;
  base::Duration message_ttl{};
  std::shared_ptr<streams::FragmentLog> log;  // null: media storage is not enabled
};

struct ShardStats {
  SessionStats sessions;
  std::uint64_t connections = 0;  // open now
  std::uint64_t messages = 0;
  std::uint64_t rejected = 0;
  bool refuses = false;          // new sessions, since there is as much to do as it can
  std::uint64_t asked_less = 0;  // recordings whose cameras are asked for less than they would send
  std::uint64_t resting = 0;     // recordings that rest now, since there is too much to do
};

// The socket that a message came on, and how often it may speak.
struct Sender {
  SignalingSink& sink;
  MessageRates& rates;
};

// One per shard; every call on that shard.
class ShardChannels {
 public:
  ShardChannels(async::Shard& shard, SessionEnvironment environment);
  ~ShardChannels();

  // A socket opened. A join that waits for this master gets its offer now.
  void connect(const ChannelSettings& settings, Role role, const std::string& client_id, bool on_loopback,
               std::shared_ptr<SignalingSink> sink);
  void disconnect(const std::string& arn, Role role, const std::string& client_id, const SignalingSink* sink);
  // A message came on a socket. Failures are answered on it when they carried a correlation id.
  void receive(const std::string& arn, Role role, const std::string& client_id, Sender sender, const std::string& text);
  // A viewer's message that does not come over a socket. `client_id` is connected.
  base::Result<void> send_to_master(const ChannelSettings& settings, const std::string& client_id,
                                    const ClientMessage& message);
  // A join of the master (empty id) or a viewer. `settings.log` is set. Unavailable once drain() has begun,
  // LimitExceeded for a viewer too many, when more clients join at once than are let in within seconds, or when the
  // shard has as much to do as it can.
  base::Result<void> join(const ChannelSettings& settings, const std::string& client_id);
  // A join that was refused before it came here.
  void note_refusal(const ChannelSettings& settings, const std::string& client_id, const base::Error& error);
  // Newest join first; of one channel, or of all.
  std::vector<SessionRecord> sessions(const std::optional<std::string>& channel_name);

  // Ends everything for good: GO_AWAY, fragments made durable, sockets closed. Later joins are refused.
  async::Task<void> drain();
  const ShardStats& stats() const { return stats_; }
  const SessionOutcomes& outcomes() const { return history_.outcomes(); }
  async::Shard& shard() { return shard_; }

 protected:
  // Drops every session without waiting and makes no more: what a derived class does before the media port goes.
  void clear();

 private:
  struct Channel;
  Channel& find_or_make(const ChannelSettings& settings);
  StorageSession& session_of(Channel& channel);
  SessionTrace begin_trace(base::Instant now, const ChannelSettings& settings, const std::string& client_id);
  void start_session(base::Instant now, Channel& channel, const std::string& client_id, SessionTrace trace);
  base::Result<void> add_wait(base::Instant now, Channel& channel, const std::string& client_id, bool is_here);
  void let_in(base::Instant now);
  void expire_waits(base::Instant now, Channel& channel);
  base::Result<void> answer_viewer(base::Instant now, Channel& channel, const std::string& client_id,
                                   const ClientMessage& offer);
  base::Result<void> deliver(base::Instant now, Channel& channel, Role role, const std::string& client_id,
                             const ClientMessage& message);
  void sweep();

  // shard_channels_load.cpp
  struct Look {
    base::Instant at{};
    base::Duration processor_time{};  // for media
    std::uint64_t kernel_drops = 0;
  };
  struct Applied {
    bool admits = true;
    double bitrate = 1;
    double resting = 0;
    bool operator==(const Applied&) const = default;
  };
  void watch_load();
  void look_at_load();
  void apply_load(base::Instant now);
  void log_load(std::size_t resting, std::size_t recording) const;

  async::Shard& shard_;
  SessionEnvironment environment_;
  SessionHistory history_;                                    // before the channels, whose sessions write into it
  std::map<std::string, std::unique_ptr<Channel>> channels_;  // by ARN
  ShardStats stats_;
  bool draining_ = false;
  JoinQueue turns_;
  async::Timer turn_timer_;
  base::Instant next_sweep_;
  async::Timer sweeper_;
  Overload overload_;
  Applied applied_;
  Look last_look_;
  bool watches_load_ = false;
  async::Timer load_timer_;
};

}  // namespace sessions
