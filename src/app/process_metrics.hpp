// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace app {

// What the process takes of the machine, in the Prometheus text format, by the names that client libraries of
// Prometheus use: memory, open files, CPU; and the heap that is in use, which the resident size does not tell.
std::string render_process_metrics();

}  // namespace app
