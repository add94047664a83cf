// SPDX-License-Identifier: Apache-2.0
#pragma once
// All fragments of this server: the volumes, their index, and one FragmentLog for each stream that is in use.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "async/disk_worker.hpp"
#include "base/result.hpp"
#include "store/derived_files.hpp"
#include "store/volume_store.hpp"
#include "streams/fragment_log.hpp"
#include "streams/retention.hpp"

namespace streams {

struct ArchiveOptions {
  std::string directory;                           // the data directory; made if missing
  std::size_t cache_bytes = 256U << 20U;           // payloads of recent fragments
  std::uint64_t max_queued_bytes = 512ULL << 20U;  // handed over and not yet durable
  std::function<base::WallTime()> wall_clock;      // for retention; the system's clock if empty
  store::FileLayer* layer = nullptr;               // of the volumes; the real one if null
  RetentionOptions retention;                      // its clock is the one above
  std::uint64_t volume_bytes = 1ULL << 30U;
  std::chrono::microseconds volume_age = std::chrono::hours(1);
  std::uint64_t derived_bytes = 0;  // disk for what is derived from recordings, in `cache/`; 0: none, and none is left
  base::Duration write_patience = std::chrono::seconds(5);  // store::FileVolumeOptions::patience
  // Told of each fragment that has become durable and visible, on the store's thread; none if empty. Must not block.
  std::function<void(const std::shared_ptr<FragmentLog>&, const StoredFragment&)> committed;
  // Tells how far a start that reads whole volumes has come; none if empty.
  std::function<void(std::size_t done, std::size_t all)> progress;
};

struct ArchiveStats {
  store::VolumeStats volumes;
  std::uint64_t fragments_found_at_start = 0;  // committed, but not in the index when the server started
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::uint64_t index_failures = 0;  // batches that could not be indexed yet; they are retried and stay visible
  std::uint64_t unindexed = 0;       // durable fragments that wait for the index
  RetentionStats retention;
  std::array<std::uint64_t, kGapReasons> gaps{};  // recorded since the start, by reason
};

// Any thread. Owned by the process; destroyed after every shard has stopped.
class Archive {
 public:
  virtual ~Archive() = default;

  // The same object for the same key as long as somebody holds it. Blocks for a few index reads on first use.
  virtual std::shared_ptr<FragmentLog> log(StreamKey stream) = 0;
  // Seen by lists at once. What was past its retention under the old policy never comes back under a longer one: an
  // increase first makes that durable. Blocks then.
  virtual base::Result<void> set_retention(StreamKey stream, RetentionPolicy policy) = 0;
  // Nothing of this generation is ever visible again once this returns; durable. Blocks.
  virtual base::Result<void> remove(StreamKey stream) = 0;
  // Makes everything handed over durable and indexes it. Blocks.
  virtual void flush() = 0;
  virtual ArchiveStats stats() const = 0;
  // Not writable: recordings pause until the disk works again.
  virtual store::VolumeHealth health() const = 0;
  // Fragments and payload bytes of every stream that has some. Blocks.
  virtual base::Result<std::vector<store::StreamUse>> uses() = 0;
  // Removes what is past its retention and gives its space back, now instead of within seconds. Blocks.
  virtual base::Result<void> sweep() = 0;
  // What is derived from fragments and kept on disk, as long as they are; null when nothing is. Lives as the archive.
  virtual store::DerivedFiles* derived() { return nullptr; }
};

// Takes the directory's lock (InUse if another server holds it), cuts torn tails, scans what the index has not seen.
// Reads of older fragments and of the index run on `readers`, which outlives the archive.
base::Result<std::unique_ptr<Archive>> open_archive(ArchiveOptions options, async::DiskWorker& readers);

}  // namespace streams
