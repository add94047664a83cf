// SPDX-License-Identifier: Apache-2.0
#pragma once
// JoinStorageSession and JoinStorageSessionAsViewer.

#include "api/handlers.hpp"
#include "api/signaling_door.hpp"

namespace api {

void add_join_handlers(Handlers& handlers, SignalingDoor& signaling);

}  // namespace api
