// SPDX-License-Identifier: Apache-2.0
#pragma once
// GetIceServerConfig: TURN servers with credentials that expire, or this server's own STUN answer.

#include "api/control_handlers.hpp"

namespace api {

struct TurnCredentials {
  std::string username;  // "<unix expiry>:<channel name>"
  std::string password;  // base64(HMAC-SHA1(secret, username)), the scheme of coturn's use-auth-secret
};
TurnCredentials make_turn_credentials(std::string_view secret, std::string_view channel_name, base::WallTime expiry);

void add_ice_server_handlers(Handlers& handlers, streams::Catalog& catalog, SignalingDoor& signaling, TurnOptions turn);

}  // namespace api
