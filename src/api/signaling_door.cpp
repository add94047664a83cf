// SPDX-License-Identifier: Apache-2.0
#include "api/signaling_door.hpp"

#include "sessions/hub.hpp"

namespace api {

namespace {
class HubDoor final : public SignalingDoor {
 public:
  explicit HubDoor(sessions::Hub& hub) : hub_(hub) {}

  base::Result<void> check_connect(sessions::Role role, const std::string& channel_arn,
                                   const std::string& client_id) override {
    return hub_.check_connect(role, channel_arn, client_id);
  }
  net::WebSocketOptions websocket_options() override { return hub_.websocket_options(); }
  async::Task<void> serve(std::unique_ptr<net::WebSocket> socket, sessions::Role role, std::string channel_arn,
                          std::string client_id, std::function<bool()> may_stay) override {
    return hub_.serve(std::move(socket), role, std::move(channel_arn), std::move(client_id), std::move(may_stay));
  }
  async::Task<base::Result<void>> join(std::string channel_arn, std::optional<std::string> client_id) override {
    return hub_.join(std::move(channel_arn), std::move(client_id));
  }
  async::Task<base::Result<std::string>> offer_to_master(std::string channel_arn, std::string client_id,
                                                         std::string payload) override {
    return hub_.offer_to_master(std::move(channel_arn), std::move(client_id), std::move(payload));
  }
  std::string stun_uri(const base::SocketAddress& caller) override { return hub_.stun_uri(caller); }

 private:
  sessions::Hub& hub_;
};
}  // namespace

std::unique_ptr<SignalingDoor> make_signaling_door(sessions::Hub& hub) {
  return std::make_unique<HubDoor>(hub);
}

}  // namespace api
