// SPDX-License-Identifier: Apache-2.0
#pragma once
// The server's counters in the Prometheus text format: what sessions, media ports and the archive count.

#include <string>

#include "api/put_media_counts.hpp"
#include "delivery/delivery.hpp"
#include "sessions/hub.hpp"
#include "store/derived_files.hpp"
#include "streams/archive.hpp"
#include "streams/playback.hpp"
#include "streams/sound_ahead.hpp"

namespace app {

std::string render_metrics(const sessions::HubStats& hub, const streams::ArchiveStats& archive,
                           const api::PutMediaCounts& put_media, bool writable);

// Of rendered sound: where it came from, and its cache on disk. `disk` may be null.
std::string render_playback_metrics(const streams::Playback& playback, const streams::SoundAhead* ahead,
                                    const store::DerivedFiles* disk);

// The same of what leaves the house, by kind.
std::string render_delivery_metrics(const delivery::Delivery& delivery);

}  // namespace app
