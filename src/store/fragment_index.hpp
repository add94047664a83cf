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

// Thread-safe, blocks: call it on a disk worker.
class FragmentIndex {
 public:
  virtual ~FragmentIndex() = default;

  // One transaction: the rows and how far they bring each volume. A fragment already there is left as it is.
  virtual base::Result<void> insert(std::span<const StoredFragment> fragments, std::span<const VolumeMark> marks) = 0;
  virtual base::Result<std::vector<VolumeMark>> marks() = 0;
  // Removes what the tombstone covers and remembers it.
  virtual base::Result<void> bury(const Tombstone& tombstone) = 0;
  virtual base::Result<std::vector<Tombstone>> tombstones() = 0;

  // The highest number ever indexed of this stream, also of fragments that are gone; 0 if none.
  virtual base::Result<FragmentNumber> last_number(StreamKey stream) = 0;
  virtual base::Result<std::optional<StoredFragment>> find(StreamKey stream, FragmentNumber number) = 0;
  // Ascending by number.
  virtual base::Result<std::vector<StoredFragment>> after(StreamKey stream, FragmentNumber number,
                                                          std::size_t limit) = 0;
  // The newest `limit`, ascending by number.
  virtual base::Result<std::vector<StoredFragment>> newest(StreamKey stream, std::size_t limit) = 0;
  // Start time in [from, to], both inclusive, past `position`; ascending by (time, number).
  virtual base::Result<std::vector<StoredFragment>> between(StreamKey stream, TimeAxis axis, base::WallTime from,
                                                            base::WallTime to, ListPosition past,
                                                            std::size_t limit) = 0;
  // The last fragment that starts at or before `time`.
  virtual base::Result<std::optional<StoredFragment>> at_or_before(StreamKey stream, TimeAxis axis,
                                                                   base::WallTime time) = 0;
};

// The SQLite adapter: WAL, not synced on every batch, because what a power cut takes is found again in the volumes.
base::Result<std::unique_ptr<FragmentIndex>> open_sqlite_index(const std::string& path);

}  // namespace store
