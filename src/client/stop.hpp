// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace client {

// One flag for all cameras and viewers of the process, read between frames: they end in good order.
bool is_stopped();
void request_stop();  // safe in a signal handler
void clear_stop();

// SIGINT and SIGTERM request it from now on.
void stop_on_signals();

}  // namespace client
