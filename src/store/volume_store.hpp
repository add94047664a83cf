// SPDX-License-Identifier: Apache-2.0
#pragma once
// Durable bytes: an append-only log of fragments of many streams. The volumes are the truth, every index is derived.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "store/file_layer.hpp"
#include "store/fragment.hpp"

namespace store {

// How far a volume has been indexed. A sealed volume is never written again.
struct VolumeMark {
  std::uint64_t volume = 0;
  std::uint64_t indexed_to = 0;  // every record that begins before this offset is in the index
  bool sealed = false;
};

// Deletion that outlives the index: generation and everything before it, or single old fragments of a living stream.
struct Tombstone {
  StreamKey stream;
  // Everything up to and including this number is gone; the largest value for a deleted stream.
  FragmentNumber through{UINT64_MAX};
};

struct VolumeStats {
  std::uint64_t appended = 0;  // fragments made durable
  std::uint64_t appended_bytes = 0;
  std::uint64_t commits = 0;         // fdatasync calls that succeeded
  std::uint64_t failed_syncs = 0;    // each sealed a volume
  std::uint64_t failed_appends = 0;  // fragments given back with an error
  std::uint64_t queued_bytes = 0;    // handed over, not yet durable
  std::uint64_t rewritten = 0;       // fragments written a second time after a failed write or sync
};

// Whether what is handed over becomes durable.
struct VolumeHealth {
  bool writable = true;
  std::string reason;    // "writing ...: No space left on device"
  base::WallTime since;  // of the trouble
};

struct VolumeRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// Thread-safe. Owned by the process; outlives every stream.
class VolumeStore {
 public:
  // Called once on the writer's thread, after the fragment is durable or is known not to become so. In the order of
  // append() among those that succeed. Must be short and must not throw.
  using Appended = std::move_only_function<void(base::Result<StoredFragment>)>;

  using Buried = std::move_only_function<void(base::Result<RecordPlace>)>;

  virtual ~VolumeStore() = default;

  // Never blocks. A full queue answers at once, on the caller's thread, with Errc::Unavailable.
  virtual void append(FragmentHeader header, Payload payload, Appended done) = 0;
  // Durable when done is called.
  virtual void append_tombstone(Tombstone tombstone, Buried done) = 0;

  // Blocks; call it on a disk worker. Errc::Corrupt if the checksum does not match.
  virtual base::Result<Payload> read(const StoredFragment& fragment) = 0;

  // Waits until everything handed over so far is durable or given back. Blocks.
  virtual void flush() = 0;
  virtual VolumeStats stats() const = 0;
  virtual VolumeHealth health() const = 0;

  // Reclaiming space; each blocks. `volume` must exist.
  // Every fragment record in volume order, by its header: payloads are not looked at.
  virtual base::Result<void> visit(std::uint64_t volume,
                                   const std::function<base::Result<void>(const StoredFragment&)>& visit) = 0;
  // Gives the whole blocks inside these ranges back; they read as zeros.
  virtual base::Result<void> punch(std::uint64_t volume, std::span<const VolumeRange> ranges) = 0;
  // Deletes the file. Not of the volume that is being written.
  virtual base::Result<void> remove_volume(std::uint64_t volume) = 0;
  // Of every file there is, ascending.
  virtual base::Result<std::vector<std::uint64_t>> list_volumes() = 0;
  // The volume that is being written; 0 if none is.
  virtual std::uint64_t open_volume() const = 0;
  // Seals it; what comes next begins a new one.
  virtual void roll() = 0;
  virtual base::Result<std::uint64_t> free_bytes() const = 0;
};

// What the volumes hold that the index has not seen, in volume order.
struct RecoveredRecords {
  std::vector<StoredFragment> fragments;
  std::vector<std::pair<Tombstone, RecordPlace>> tombstones;
  std::vector<VolumeMark> marks;       // of every volume that was scanned
  std::uint64_t damaged_payloads = 0;  // records whose header is right and whose payload is not
  std::uint64_t hollow_payloads = 0;   // their space was given back
  std::uint64_t damaged_places = 0;
  std::uint64_t cut_bytes = 0;  // torn tails and unused space
};

// Takes what one volume held and empties the lists of `records`; counts may stay. `done` of `all` volumes are behind.
using TakeRecovered = std::function<base::Result<void>(RecoveredRecords& records, std::size_t done, std::size_t all)>;

struct FileVolumeOptions {
  std::string directory;  // of the volumes alone; made if missing
  std::uint64_t max_queued_bytes = 512ULL << 20U;
  std::uint64_t volume_bytes = 1ULL << 30U;  // a volume that has grown past this is sealed
  // A volume older than this gets no more records; 0: never. By `wall_clock`.
  std::chrono::microseconds volume_age = std::chrono::hours(1);
  // When writing fails, what waits is tried again for so long before it is given back; then once each until it works.
  base::Duration patience = std::chrono::seconds(5);
  base::Duration retry_interval = std::chrono::milliseconds(250);
  std::uint64_t reserve_bytes = 32ULL << 20U;  // space is set aside in such steps; 0: never
  std::size_t group_bytes = 64U << 20U;        // most that one fdatasync covers: bounds the latency behind a burst
  std::function<base::WallTime()> wall_clock;  // for the volumes' creation times; the epoch if empty
  TakeRecovered take;                          // called while the volumes are opened, and not kept
};

// Volumes as files. `known` is what the index has seen; what is past it is scanned, made durable, and its torn tail
// cut. Every volume found is sealed: a process writes only files that it made itself. `layer` and `random` outlive the
// store. Without options.take everything that was found is in `recovered` at the end.
base::Result<std::unique_ptr<VolumeStore>> open_file_volumes(FileVolumeOptions options, FileLayer& layer,
                                                             base::Random& random, std::span<const VolumeMark> known,
                                                             RecoveredRecords& recovered);

// The number in "volume-000000000000001f.tgv"; nothing for any other name.
std::optional<std::uint64_t> parse_volume_name(std::string_view name);

// For looking only, also while a server writes there: nothing is made, scanned or cut. Whoever appends to it breaks
// that.
std::unique_ptr<VolumeStore> open_file_volumes_for_reading(const std::string& directory, FileLayer& layer,
                                                           base::Random& random);

// First offset after the record, where the next one of its group may begin.
std::uint64_t end_of_record(const RecordPlace& place, std::uint32_t payload_size);

}  // namespace store
