// SPDX-License-Identifier: Apache-2.0
#pragma once
// One function per operation of the media services, each in a file of its own.

#include "api/media_handlers.hpp"

namespace api {

inline constexpr const char* kMatroskaContentType = "video/webm";  // what SDK users see from the service

void add_list_fragments(Handlers& handlers, MediaServices services);
void add_get_media(Handlers& handlers, MediaServices services);
void add_put_media(Handlers& handlers, MediaServices services);
void add_get_media_for_fragment_list(Handlers& handlers, MediaServices services);
void add_get_clip(Handlers& handlers, MediaServices services);
void add_get_images(Handlers& handlers, MediaServices services);
void add_session_urls(Handlers& handlers, MediaServices services);

}  // namespace api
