// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the API needs of the sessions room, and no more: so that its tests need no media port.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/task.hpp"
#include "base/address.hpp"
#include "base/result.hpp"
#include "net/websocket.hpp"
#include "sessions/signaling_channel.hpp"

namespace sessions {
class Hub;
}

namespace api {

// The contracts are those of the functions of the same names in sessions::Hub. Any shard.
class SignalingDoor {
 public:
  virtual ~SignalingDoor() = default;
  virtual base::Result<void> check_connect(sessions::Role role, const std::string& channel_arn,
                                           const std::string& client_id) = 0;
  virtual net::WebSocketOptions websocket_options() = 0;
  virtual async::Task<void> serve(std::unique_ptr<net::WebSocket> socket, sessions::Role role, std::string channel_arn,
                                  std::string client_id, std::function<bool()> may_stay) = 0;
  virtual async::Task<base::Result<void>> join(std::string channel_arn, std::optional<std::string> client_id) = 0;
  virtual async::Task<base::Result<std::string>> offer_to_master(std::string channel_arn, std::string client_id,
                                                                 std::string payload) = 0;
  virtual std::string stun_uri(const base::SocketAddress& caller) = 0;
};

// `hub` outlives the door.
std::unique_ptr<SignalingDoor> make_signaling_door(sessions::Hub& hub);

}  // namespace api
