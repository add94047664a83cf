// SPDX-License-Identifier: Apache-2.0
#pragma once
// The web console (console/README.md): its files, unsigned, and the reads of our own API that it is drawn from.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/console_answers.hpp"
#include "api/console_file.hpp"
#include "api/media_handlers.hpp"
#include "api/session_reads.hpp"
#include "streams/thumbnails.hpp"

namespace api {

struct ConsoleOptions {
  std::span<const ConsoleFile> files;
  // PEM of the certificate authority that clients are to trust; empty: the certificate is somebody else's.
  std::string ca_pem;
  // Of the CA's certificate, "AB:CD:..."; empty as above.
  std::string ca_fingerprint;
};

// GET /console/...: the files, `ca.pem`, and `server.json` with what a page must know before anybody signs in.
void add_console_files(Handlers& handlers, ConsoleOptions options);

struct DiskSpace {
  std::uint64_t capacity = 0;
  std::uint64_t free = 0;
};

// What the reads below ask for. Everything outlives the table.
struct ConsoleServices {
  MediaServices media;
  ListSessions sessions;
  streams::Thumbnails& thumbnails;
  async::DiskWorker& readers;                           // runs the one below, which blocks
  std::function<base::Result<DiskSpace>()> disk_space;  // of the data directory
};

// GET /api/v1/cameras, /api/v1/storage, /api/v1/streams/{name}/thumbnail (docs/api.md).
void add_console_reads(Handlers& handlers, ConsoleServices services);

}  // namespace api
