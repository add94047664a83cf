// SPDX-License-Identifier: Apache-2.0
#pragma once
// SendAlexaOfferToMaster: an SDP offer over HTTPS, held until the master answers.

#include "api/handlers.hpp"
#include "api/signaling_door.hpp"

namespace api {

void add_alexa_offer_handlers(Handlers& handlers, SignalingDoor& signaling);

}  // namespace api
