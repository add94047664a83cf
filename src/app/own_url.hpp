// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "app/configuration.hpp"

namespace app {

// For others to reach this server by over TLS, as far as it is known; without a slash at its end.
std::string own_url(const Configuration& configuration);

}  // namespace app
