// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which fragments exist and where: derived from the volumes, made anew from them when lost.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/fragment.hpp"
#include "store/volume_store.hpp"

namespace store {

enum class TimeAxis : std::uint8_t { Server, Producer };

// A position in a listing: the fragments after it have a larger (time, number).
struct ListPosition {
  base::WallTime time;
  FragmentNumber number;
  friend auto operator<=>(const ListPosition&, const ListPosition&) = default;
};

// How many fragments have their record in a volume, and how many of those are still in the index.
struct VolumeUse {
  std::uint64_t volume = 0;
  std::uint64_t indexed_to = 0;  // what begins there or later may be alive without being counted here
  std::uint64_t fragments = 0;
  std::uint64_t live = 0;
  std::uint64_t hollow = 0;  // so many were dead when the space of the dead ones was last given back
};

struct StreamUse {
  StreamKey stream;
  std::uint64_t fragments = 0;
  std::uint64_t bytes = 0;  // of payloads
};

// A tombstone and where its record lies: `volume` has the newest copy, `born` the first one, behind everything that it
// covers. Volume 0: no volume holds any of that any more.
struct BuriedStream {
  Tombstone tombstone;
  std::uint64_t volume = 0;
  std::uint64_t born = 0;
};

struct RemovedRows {
  std::uint64_t fragments = 0;
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> volumes;  // that lost live fragments
  bool complete = true;                // nothing up to the number is left
};

// Start times in [from, to], both inclusive.
struct ListWindow {
  TimeAxis axis = TimeAxis::Server;
  base::WallTime from;
  base::WallTime to;
};

// Thread-safe, blocks: call it on a disk worker.
class FragmentIndex {
 public:
  virtual ~FragmentIndex() = default;

  // One transaction: the rows and how far they bring each volume. A fragment already there is left as it is, one that
  // is buried stays out.
  virtual base::Result<void> insert(std::span<const StoredFragment> fragments, std::span<const VolumeMark> marks) = 0;
  virtual base::Result<std::vector<VolumeMark>> marks() = 0;
  // Nothing that the tombstone covers is inserted any more; what is there stays until remove(). Its record is in
  // `volume`.
  virtual base::Result<void> bury(const Tombstone& tombstone, std::uint64_t volume) = 0;
  virtual base::Result<std::vector<BuriedStream>> buried_streams() = 0;
  // No volume holds anything that this stream's tombstone covers.
  virtual base::Result<void> settle_tombstone(StreamKey stream) = 0;
  // Deletes the oldest `limit` rows with numbers up to `through`. Cost: what is deleted.
  virtual base::Result<RemovedRows> remove(StreamKey stream, FragmentNumber through, std::size_t limit) = 0;

  virtual base::Result<std::vector<VolumeUse>> volume_uses() = 0;
  // The rows whose record is in this volume. Cost: the whole index.
  virtual base::Result<std::vector<StoredFragment>> in_volume(std::uint64_t volume) = 0;
  virtual base::Result<void> note_hollow(std::uint64_t volume, std::uint64_t hollow) = 0;
  // The file is gone; what the index still has of it goes too. Cost: the whole index if that is anything.
  virtual base::Result<void> forget_volume(std::uint64_t volume) = 0;
  virtual base::Result<std::vector<StreamUse>> stream_uses() = 0;

  // The highest number ever indexed of this stream, also of fragments that are gone; 0 if none.
  virtual base::Result<FragmentNumber> last_number(StreamKey stream) = 0;
  virtual base::Result<std::optional<StoredFragment>> find(StreamKey stream, FragmentNumber number) = 0;
  // Ascending by number.
  virtual base::Result<std::vector<StoredFragment>> after(StreamKey stream, FragmentNumber number,
                                                          std::size_t limit) = 0;
  // The newest `limit`, ascending by number.
  virtual base::Result<std::vector<StoredFragment>> newest(StreamKey stream, std::size_t limit) = 0;
  // In the window, past the position; ascending by (time, number).
  virtual base::Result<std::vector<StoredFragment>> between(StreamKey stream, const ListWindow& window,
                                                            ListPosition past, std::size_t limit) = 0;
  // Those with a gap before them, past `position` by producer time; ascending by (time, number). Costs what it gives.
  virtual base::Result<std::vector<StoredFragment>> gaps(StreamKey stream, ListPosition past, std::size_t limit) = 0;
  // The last fragment that starts at or before `time`.
  virtual base::Result<std::optional<StoredFragment>> at_or_before(StreamKey stream, TimeAxis axis,
                                                                   base::WallTime time) = 0;
};

// The SQLite adapter: WAL, not synced on every batch, because what a power cut takes is found again in the volumes.
base::Result<std::unique_ptr<FragmentIndex>> open_sqlite_index(const std::string& path);
// For looking only, also while a server writes it: nothing is made or migrated, and whatever changes it is a bug.
// NotFound without the file, Unsupported if its schema is another one.
base::Result<std::unique_ptr<FragmentIndex>> open_sqlite_index_for_reading(const std::string& path);

}  // namespace store
