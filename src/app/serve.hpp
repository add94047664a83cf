// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/configuration.hpp"

namespace app {

// `tidegate serve`: runs until SIGTERM or SIGINT, then drains. Returns the exit code.
int run_serve(Configuration configuration);

}  // namespace app
