// SPDX-License-Identifier: Apache-2.0
#include "api/media_handlers.hpp"

#include "api/media_services.hpp"

namespace api {

void add_media_handlers(Handlers& handlers, MediaServices services) {
  add_list_fragments(handlers, services);
  add_get_media(handlers, services);
  add_put_media(handlers, services);
  add_get_media_for_fragment_list(handlers, services);
  add_get_clip(handlers, services);
  add_get_images(handlers, services);
  add_session_urls(handlers, services);
}

}  // namespace api
