// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace client {

// Set by stop_publishing(), from a signal handler perhaps; read by every camera between frames.
bool is_stopped();
void clear_stop();

}  // namespace client
