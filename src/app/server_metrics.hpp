// SPDX-License-Identifier: Apache-2.0
#pragma once
// The server's counters in the Prometheus text format: what sessions, media ports and the archive count.

#include <string>

#include "sessions/hub.hpp"
#include "streams/archive.hpp"

namespace app {

std::string render_metrics(const sessions::HubStats& hub, const streams::ArchiveStats& archive, bool writable);

}  // namespace app
