// SPDX-License-Identifier: Apache-2.0
#pragma once
// The FragmentIndex in SQLite. docs/formats/metadata.md explains every column.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/fragment_index.hpp"
#include "store/sqlite/database.hpp"

namespace store {

#define TIDEGATE_FRAGMENT_COLUMNS                                                                                \
  "stream, generation, number, producer_us, server_us, duration_us, flags, gap_reason, gap_from_us, gap_to_us, " \
  "ended_by, fingerprint, volume, offset, header_size, size, crc, pictures_us, sound_us, "                       \
  "sound_ms"

// SQLite's integers are signed: numbers are cut at the largest.
inline std::int64_t as_signed(std::uint64_t value) {
  return value > static_cast<std::uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<std::int64_t>(value);
}

// One writing connection and a few reading ones, which do not wait for it.
class SqliteFragmentIndex final : public FragmentIndex {
 public:
  SqliteFragmentIndex(std::string path, std::unique_ptr<sqlite::Database> writer)
      : path_(std::move(path)), writer_(std::move(writer)) {}

  base::Result<void> insert(std::span<const StoredFragment> fragments, std::span<const VolumeMark> marks) override;
  base::Result<void> bury(const Tombstone& tombstone, std::uint64_t volume) override;
  base::Result<RemovedRows> remove(StreamKey stream, FragmentNumber through, std::size_t limit) override;
  base::Result<void> note_hollow(std::uint64_t volume, std::uint64_t hollow) override;
  base::Result<void> forget_volume(std::uint64_t volume) override;
  base::Result<void> settle_tombstone(StreamKey stream) override;

  base::Result<std::vector<VolumeMark>> marks() override;
  base::Result<std::vector<VolumeUse>> volume_uses() override;
  base::Result<std::vector<StoredFragment>> in_volume(std::uint64_t volume) override;
  base::Result<std::vector<StreamUse>> stream_uses() override;
  base::Result<std::vector<BuriedStream>> buried_streams() override;
  base::Result<FragmentNumber> last_number(StreamKey stream) override;
  base::Result<std::optional<StoredFragment>> find(StreamKey stream, FragmentNumber number) override;
  base::Result<std::vector<StoredFragment>> after(StreamKey stream, FragmentNumber number, std::size_t limit) override;
  base::Result<std::vector<StoredFragment>> newest(StreamKey stream, std::size_t limit) override;
  base::Result<std::vector<StoredFragment>> between(StreamKey stream, const ListWindow& window, ListPosition past,
                                                    std::size_t limit) override;
  base::Result<std::vector<StoredFragment>> gaps(StreamKey stream, ListPosition past, std::size_t limit) override;
  base::Result<std::optional<StoredFragment>> at_or_before(StreamKey stream, TimeAxis axis,
                                                           base::WallTime time) override;

 private:
  class Reader;
  struct Counts;

  base::Result<void> insert_row(const StoredFragment& fragment, Counts& counts);
  base::Result<void> add_counts(const Counts& counts);

  const std::string path_;
  std::mutex writer_mutex_;
  std::unique_ptr<sqlite::Database> writer_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<sqlite::Database>> readers_;
};

}  // namespace store
