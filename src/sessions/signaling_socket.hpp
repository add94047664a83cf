// SPDX-License-Identifier: Apache-2.0
#pragma once
// A WebSocket as its channel's shard sees it, though it lives on the shard that accepted it.

#include <memory>
#include <optional>
#include <string>

#include "async/mailbox.hpp"
#include "net/websocket.hpp"
#include "sessions/signaling_channel.hpp"

namespace sessions {

// send() and close() may be called on any shard. A client that lets kMaxQueued messages pile up is disconnected: its
// signaling state is worth nothing by then.
class SignalingSocket final : public SignalingSink {
 public:
  static constexpr std::size_t kMaxQueued = 512;

  explicit SignalingSocket(async::Shard& shard) : outgoing_(shard, kMaxQueued) {}

  void send(std::string text) override;
  void close(std::string_view why) override;

  // On the socket's shard: writes what is sent until close(), then closes the socket.
  async::Task<void> write_to(std::shared_ptr<net::WebSocket> socket);

 private:
  struct Outgoing {
    std::string text;
    bool is_close = false;  // `text` is the reason
  };
  async::Mailbox<Outgoing> outgoing_;
};

}  // namespace sessions
