// SPDX-License-Identifier: Apache-2.0
#include "api/control_handlers.hpp"

#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/signaling/alexa_offers.hpp"
#include "api/signaling/ice_servers.hpp"
#include "api/webrtc_storage/joins.hpp"

namespace api {

void add_control_handlers(Handlers& handlers, ControlServices services) {
  add_stream_handlers(handlers, services.catalog);
  add_channel_handlers(handlers, services.catalog);
  add_tag_handlers(handlers, services.catalog);
  add_storage_handlers(handlers, services.catalog);
  add_delivery_handlers(handlers, services.catalog);
  add_edge_handlers(handlers, services.catalog);
  add_endpoint_handlers(handlers, services.catalog);
  add_ice_server_handlers(handlers, services.catalog, services.signaling, std::move(services.turn));
  add_alexa_offer_handlers(handlers, services.signaling);
  add_join_handlers(handlers, services.signaling);
}

}  // namespace api
