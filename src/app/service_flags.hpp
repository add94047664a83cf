// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "app/cli_app.hpp"
#include "base/result.hpp"
#include "client/service_options.hpp"

namespace app {

// Which service `camera` and `viewer` talk to, and as whom.
class ServiceFlags {
 public:
  // `options` outlives the parsing.
  void add_to(CLI::App& command, client::ServiceOptions& options);
  // What the data directory of a server on this machine knows and the flags do not say.
  base::Result<void> complete(client::ServiceOptions& options) const;

 private:
  std::string data_dir_;
};

}  // namespace app
