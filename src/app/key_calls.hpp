// SPDX-License-Identifier: Apache-2.0
#pragma once
// Access keys by a running server's own API: what `tidegate key` does beside it.

#include <string>

#include "api/key_calls.hpp"
#include "base/random.hpp"
#include "store/key_ring.hpp"

namespace app {

struct KeyCallSettings {
  std::string data_dir;
  std::string key_file;  // as in the configuration
  std::string own_key;   // id of the server's own access key, which is not in the database
};

// `ring` learns of a change before the call is answered. What is given outlives the table.
void add_key_calls(api::Handlers& handlers, async::DiskWorker& worker, store::KeyRing& ring, base::Random& random,
                   KeyCallSettings settings);

}  // namespace app
