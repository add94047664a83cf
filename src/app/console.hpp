// SPDX-License-Identifier: Apache-2.0
#pragma once
// The web console's parts of this process: its files, the certificate authority that its page hands out, and what its
// reads ask of the data directory.

#include <string>

#include "api/console.hpp"
#include "app/configuration.hpp"

namespace app {

struct ConsoleSettings {
  std::string data_dir;
  std::string ca_file;  // PEM; empty when the server's certificate is somebody else's
};

// All of it into the table. What is given lives as long as the table; `readers` runs what blocks. Errors name the file.
base::Result<void> add_console(api::Handlers& handlers, const api::MediaServices& media,
                               api::ListSessions list_sessions, streams::Thumbnails& thumbnails,
                               async::DiskWorker& readers, ConsoleSettings settings);

}  // namespace app
