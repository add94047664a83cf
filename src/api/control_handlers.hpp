// SPDX-License-Identifier: Apache-2.0
#pragma once
// Registers the handlers of everything but media playback: streams, channels, tags, storage configuration, endpoints,
// ICE servers, joins.

#include <chrono>
#include <string>
#include <vector>

#include "api/handlers.hpp"
#include "api/signaling_door.hpp"
#include "streams/catalog.hpp"

namespace api {

// External TURN servers that share a secret with this server (coturn: use-auth-secret). Without any, clients are told
// this server's own STUN answer.
struct TurnOptions {
  std::vector<std::string> uris;  // "turn:turn.example:3478?transport=udp"
  std::string secret;
  base::Duration ttl = std::chrono::seconds(300);  // 31..86400 s: webrtc-sdk-c refuses 30 and less
};

// What the handlers work on; all of it outlives them.
struct ControlServices {
  streams::Catalog& catalog;
  SignalingDoor& signaling;
  TurnOptions turn;
};

void add_control_handlers(Handlers& handlers, ControlServices services);

}  // namespace api
