// SPDX-License-Identifier: Apache-2.0
#pragma once
// Verifies an archive that no server is using: every checksum of every volume, and the index against the volumes.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/file_layer.hpp"
#include "streams/fragment.hpp"
#include "streams/retention.hpp"

namespace streams {

struct ArchiveCheckOptions {
  std::string directory;  // the data directory
  bool rebuild = false;   // make the index anew from the volumes first; the old one is kept beside it as index.db.old
  // What the catalog says. Fragments of streams that are not here are of no stream any more.
  std::map<StreamKey, RetentionPolicy> policies;
  std::map<StreamKey, std::string> names;  // for the messages
  base::WallTime now;
  // Bytes, about once a volume; none if empty. A rebuild reads everything once, then the check does: `done` begins
  // again.
  std::function<void(std::uint64_t done, std::uint64_t all)> progress;
  store::FileLayer* layer = nullptr;  // of the volumes; the real one if null
};

struct ArchiveCheckReport {
  bool rebuilt = false;
  std::uint64_t volumes = 0;
  std::uint64_t volume_bytes = 0;
  std::uint64_t fragments = 0;        // whole records that the index has
  std::uint64_t fragment_bytes = 0;   // payloads of those
  std::uint64_t dead = 0;             // whole records of what has expired, was deleted, or is there twice
  std::uint64_t hollow = 0;           // records whose space was given back
  std::uint64_t waiting = 0;          // whole records that the next start will index
  std::uint64_t damaged_records = 0;  // payloads whose checksum is wrong
  std::uint64_t damaged_places = 0;   // stretches of a volume that hold no record
  std::uint64_t unreadable_volumes = 0;
  std::uint64_t missing = 0;    // the index has them, no volume does
  std::uint64_t unindexed = 0;  // whole, alive, and unknown to the index: rebuild it
  // The first hundred problems in words: what, where, and what to do.
  std::vector<std::string> problems;

  bool is_clean() const { return problems.empty(); }
};

// Blocks. InUse while a server holds the directory. Changes nothing unless `rebuild` is set.
base::Result<ArchiveCheckReport> check_archive(const ArchiveCheckOptions& options);

}  // namespace streams
