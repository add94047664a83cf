// SPDX-License-Identifier: Apache-2.0
#include "api/control_plane.hpp"

#include "api/kinesisvideo/kinesisvideo.hpp"
#include "api/signaling/ice_servers.hpp"
#include "api/webrtc_storage/joins.hpp"

namespace api {

void add_control_plane(Handlers& handlers, ControlPlane parts) {
  add_stream_handlers(handlers, parts.catalog);
  add_channel_handlers(handlers, parts.catalog);
  add_tag_handlers(handlers, parts.catalog);
  add_storage_handlers(handlers, parts.catalog);
  add_endpoint_handlers(handlers, parts.catalog);
  add_ice_server_handlers(handlers, parts.catalog, parts.signaling, std::move(parts.turn));
  add_join_handlers(handlers, parts.signaling);
}

}  // namespace api
