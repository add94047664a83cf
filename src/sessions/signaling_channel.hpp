// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who is connected to one signaling channel, and which message goes to whom (contract sections 2.1 to 2.3).

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "sessions/signaling_message.hpp"

namespace sessions {

enum class Role { Master, Viewer };

// One open WebSocket as its channel sees it. Both calls return at once: sending is queued and bounded on the socket's
// own shard.
class SignalingSink {
 public:
  virtual ~SignalingSink() = default;
  virtual void send(std::string text) = 0;
  // The socket is closed after what is queued was sent. `why` goes into the close frame.
  virtual void close(std::string_view why) = 0;
};

// Owned by the channel's shard. Pure routing: it does not know of storage sessions; the owner takes the messages that
// are for the session (see route()) before it hands over the rest.
class SignalingChannel {
 public:
  // Messages that wait for a client that is not connected, over all clients of the channel. When full the new message
  // is refused, so that what was accepted is delivered.
  static constexpr std::size_t kMaxWaiting = 256;

  // The newest connection of a role and client id wins: the older one's sink is closed. Messages that waited for this
  // client and are younger than the time to live are sent at once, in order.
  void connect(base::Instant now, Role role, const std::string& client_id, std::shared_ptr<SignalingSink> sink);
  // Forgets the connection, unless a newer one took its place already.
  void disconnect(Role role, const std::string& client_id, const SignalingSink* sink);

  // Delivers a peer-to-peer message or keeps it for `time_to_live`. The error is for a STATUS_RESPONSE.
  base::Result<void> route(base::Instant now, Role from, const std::string& client_id, const ClientMessage& message,
                           base::Duration time_to_live);

  SignalingSink* find_master() const { return master_.get(); }
  SignalingSink* find_viewer(const std::string& client_id) const;
  bool is_current(Role role, const std::string& client_id, const SignalingSink* sink) const;
  bool is_empty() const { return master_ == nullptr && viewers_.empty() && waiting_.empty(); }
  // Drops waiting messages whose time has passed.
  void expire(base::Instant now);
  // Every connected sink, for GO_AWAY.
  void send_to_all(const std::string& text);
  void close_all(std::string_view why);

 private:
  struct Waiting {
    Role to;
    std::string client_id;  // of the recipient; empty for the master
    std::string sender;     // empty for the master's messages
    SignalingAction action;
    std::string text;
    base::Instant deadline;
  };
  std::shared_ptr<SignalingSink>& slot(Role role, const std::string& client_id);

  std::shared_ptr<SignalingSink> master_;
  std::map<std::string, std::shared_ptr<SignalingSink>> viewers_;
  std::deque<Waiting> waiting_;
};

// The sender id that viewers see on the master's messages. Absent ids are allowed by the contract in storage mode only.
inline constexpr std::string_view kMasterSenderId = "MASTER";

}  // namespace sessions
