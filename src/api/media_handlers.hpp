// SPDX-License-Identifier: Apache-2.0
#pragma once
// The media and archived-media services, the session URLs, and our own reads of recordings.

#include <functional>
#include <string_view>

#include "api/handlers.hpp"
#include "api/put_media_counts.hpp"
#include "api/throttle.hpp"
#include "streams/archive.hpp"
#include "streams/catalog.hpp"
#include "streams/clips.hpp"
#include "streams/playback.hpp"
#include "streams/producer_session.hpp"
#include "streams/streaming_sessions.hpp"

namespace api {

// What these handlers work on; everything is owned by the process and outlives the table.
struct MediaServices {
  streams::Catalog& catalog;
  streams::Archive& archive;
  streams::Playback& playback;
  streams::StreamingSessions& streaming;
  PutMediaCounts& put_media_counts;
  streams::Clips& clips;
  async::DiskWorker& renderers;  // CPU work
  base::Duration get_media_patience =
      std::chrono::seconds(60);  // GetMedia ends after so long without a fragment; 0: never
  streams::ProducerLimits put_media{};
  Throttle* throttle = nullptr;  // null: no limits
  // Whether an access key is known still, so that what it opened goes on; empty: all do. Any thread.
  std::function<bool(std::string_view)> has_key{};
};

void add_media_handlers(Handlers& handlers, MediaServices services);
// Our own signed GETs under /api/v1/streams/: coverage and fragments (docs/api.md).
void add_recording_reads(Handlers& handlers, MediaServices services);
// The unsigned GETs under /hls/v1/ and /dash/v1/.
void add_session_routes(Handlers& handlers, MediaServices services);

}  // namespace api
