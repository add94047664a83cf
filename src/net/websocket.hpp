// SPDX-License-Identifier: Apache-2.0
#pragma once
// One WebSocket connection (RFC 6455), server or client side.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/shard.hpp"
#include "async/task.hpp"
#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace net {

struct WebSocketOptions {
  std::size_t max_message_bytes = std::size_t{128} * 1024;  // a longer message closes with 1009
  std::size_t max_queued_bytes = 1 << 20;  // waiting to be written; a client slower than this is cut off
  std::size_t max_queued_messages = 1024;
  base::Duration ping_interval = std::chrono::seconds(30);  // after this much silence; zero: never
  base::Duration pong_timeout = std::chrono::seconds(20);   // no frame at all after a ping: the connection is dead
  base::Duration idle_timeout = base::Duration::zero();     // without a message or ping from the peer: 1001; zero: none
  base::Duration lifetime = base::Duration::zero();         // since the upgrade: 1001; zero: none
};

struct WebSocketMessage {
  std::string payload;
  bool is_text = true;
};

// Lives on one shard, owned by whoever accepted or connected it. Destroying it drops the connection. Pings are
// answered by itself, as long as somebody reads.
class WebSocket {
 public:
  virtual ~WebSocket() = default;

  // The next message, whole; nothing when the connection has ended, for whatever reason (see close_reason()).
  // One reader at a time.
  virtual async::Task<std::optional<WebSocketMessage>> read() = 0;
  // Queues a message and returns at once. False when closed, or when the queue is full: then the connection is closed,
  // for a client that does not read.
  virtual bool write(std::string payload, bool is_text = true) = 0;
  // Sends what is queued, then the close frame, and waits at most a few seconds for the peer's. Idempotent.
  // A reader under way gets its nothing.
  virtual async::Task<void> close(std::uint16_t code, std::string reason) = 0;

  virtual bool is_open() const = 0;
  // Plain words for the log: "the peer closed (1000)", "timed out", "message over 131072 bytes".
  virtual std::string close_reason() const = 0;
  virtual base::SocketAddress remote_address() const = 0;
  virtual async::Shard& shard() const = 0;
};

}  // namespace net
