// SPDX-License-Identifier: Apache-2.0
#pragma once
// Recordings of a data directory for looking only: no lock, nothing is written, a server may be running on it.

#include <memory>
#include <string>
#include <vector>

#include "async/disk_worker.hpp"
#include "base/result.hpp"
#include "streams/fragment_log.hpp"

namespace streams {

// What it shows is the index: the fragments of the last moments, that a running server has not indexed yet or that a
// killed one never did, are not there. Any thread; outlives its logs. Nothing may be written through those.
class ArchiveReader {
 public:
  virtual ~ArchiveReader() = default;
  virtual std::shared_ptr<FragmentLog> log(StreamKey stream, std::uint32_t retention_hours) = 0;
  // Fragments and payload bytes of every stream that has some. Blocks.
  virtual base::Result<std::vector<store::StreamUse>> uses() = 0;
};

// NotFound if the directory holds no recordings. `readers` outlives it.
base::Result<std::unique_ptr<ArchiveReader>> open_archive_for_reading(const std::string& directory,
                                                                      async::DiskWorker& readers);

}  // namespace streams
