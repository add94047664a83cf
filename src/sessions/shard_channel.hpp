// SPDX-License-Identifier: Apache-2.0
#pragma once
// One channel on its shard; private to shard_channels.cpp and shard_channels_load.cpp.

#include <map>
#include <memory>
#include <string>

#include "sessions/shard_channels.hpp"

namespace sessions {

struct ShardChannels::Channel {
  ChannelSettings settings;
  SignalingChannel signaling;
  std::unique_ptr<StorageSession> session;
  bool master_on_loopback = false;
  std::map<std::string, bool> viewers_on_loopback;  // of the connected ones
  // Joins whose turn has not come, or whose client is not connected: it gets a fresh offer if both happen before
  // `until`.
  struct Wait {
    base::Instant until;
    SessionTrace trace;
  };
  std::map<std::string, Wait> waits;  // by client id; empty: the master

  SignalingSink* find_sink(const std::string& client_id) const {
    return client_id.empty() ? signaling.find_master() : signaling.find_viewer(client_id);
  }
  Joiner find_joiner(const std::string& client_id) const {
    if (client_id.empty()) return {.client_id = {}, .on_loopback = master_on_loopback};
    const auto it = viewers_on_loopback.find(client_id);
    return {.client_id = client_id, .on_loopback = it != viewers_on_loopback.end() && it->second};
  }
};

}  // namespace sessions
