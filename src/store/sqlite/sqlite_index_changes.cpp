// SPDX-License-Identifier: Apache-2.0
// The schema of the index, and everything that changes it.
#include <array>
#include <map>

#include "store/sqlite/sqlite_fragment_index.hpp"

namespace store {

using sqlite::Database;
using sqlite::Query;
using sqlite::Transaction;

namespace {

// A fragment's number is its server time unless the clock stood still or went back, so only those exceptions need an
// index by server time.
constexpr std::array<const char*, 4> kSchema = {
    R"sql(
CREATE TABLE fragments(
  stream INTEGER NOT NULL, generation INTEGER NOT NULL, number INTEGER NOT NULL, producer_us INTEGER NOT NULL,
  server_us INTEGER NOT NULL, duration_us INTEGER NOT NULL, flags INTEGER NOT NULL, gap_reason INTEGER NOT NULL,
  gap_from_us INTEGER NOT NULL, gap_to_us INTEGER NOT NULL, ended_by INTEGER NOT NULL, fingerprint INTEGER NOT NULL,
  volume INTEGER NOT NULL, offset INTEGER NOT NULL, header_size INTEGER NOT NULL, size INTEGER NOT NULL,
  crc INTEGER NOT NULL, PRIMARY KEY(stream, generation, number)) WITHOUT ROWID;
CREATE INDEX fragments_by_producer ON fragments(stream, generation, producer_us, number);
CREATE INDEX fragments_by_server ON fragments(stream, generation, server_us, number) WHERE server_us <> number;
CREATE TABLE volumes(volume INTEGER PRIMARY KEY, indexed_to INTEGER NOT NULL, sealed INTEGER NOT NULL);
CREATE TABLE last_numbers(
  stream INTEGER NOT NULL, generation INTEGER NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY(stream, generation)) WITHOUT ROWID;
CREATE TABLE tombstones(
  stream INTEGER NOT NULL, generation INTEGER NOT NULL, through INTEGER NOT NULL,
  PRIMARY KEY(stream, generation)) WITHOUT ROWID;
)sql",
    R"sql(
CREATE INDEX fragments_with_gaps ON fragments(stream, generation, producer_us, number) WHERE gap_reason <> 0;
)sql",
    // Counts that the rows of an older index do not give: without marks the volumes are read again, and all is exact.
    R"sql(
DROP TABLE volumes;
DROP TABLE tombstones;
DELETE FROM fragments;
CREATE TABLE volumes(
  volume INTEGER PRIMARY KEY, indexed_to INTEGER NOT NULL, sealed INTEGER NOT NULL,
  fragments INTEGER NOT NULL DEFAULT 0, live INTEGER NOT NULL DEFAULT 0, hollow INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE tombstones(
  stream INTEGER NOT NULL, generation INTEGER NOT NULL, through INTEGER NOT NULL, volume INTEGER NOT NULL,
  born INTEGER NOT NULL, PRIMARY KEY(stream, generation)) WITHOUT ROWID;
ALTER TABLE last_numbers ADD COLUMN fragments INTEGER NOT NULL DEFAULT 0;
ALTER TABLE last_numbers ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
)sql",
    // Records of before say zero as well.
    R"sql(
ALTER TABLE fragments ADD COLUMN pictures_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fragments ADD COLUMN sound_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fragments ADD COLUMN sound_ms INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace

// What a transaction changes of the sums, so that each row of them is written once.
struct SqliteFragmentIndex::Counts {
  struct Volume {
    std::int64_t fragments = 0;
    std::int64_t live = 0;
  };
  struct Stream {
    std::int64_t fragments = 0;
    std::int64_t bytes = 0;
    FragmentNumber last;
  };
  std::map<std::uint64_t, Volume> volumes;
  std::map<StreamKey, Stream> streams;
};

base::Result<void> SqliteFragmentIndex::insert(std::span<const StoredFragment> fragments,
                                               std::span<const VolumeMark> marks) {
  const std::lock_guard lock(writer_mutex_);
  Transaction transaction(*writer_);
  TRY_VOID(transaction.begin());
  Counts counts;
  for (const StoredFragment& fragment : fragments) {
    TRY_VOID(insert_row(fragment, counts));
  }
  for (const VolumeMark& mark : marks) {
    TRY_VOID(writer_
                 ->query("INSERT INTO volumes(volume, indexed_to, sealed) VALUES(?,?,?) ON CONFLICT(volume) DO UPDATE "
                         "SET indexed_to = max(indexed_to, excluded.indexed_to), sealed = max(sealed, excluded.sealed)")
                 .bind(mark.volume, mark.indexed_to, mark.sealed ? 1 : 0)
                 .run());
  }
  TRY_VOID(add_counts(counts));
  return transaction.commit();
}

base::Result<void> SqliteFragmentIndex::insert_row(const StoredFragment& fragment, Counts& counts) {
  const FragmentHeader& header = fragment.header;
  const StreamKey& stream = header.stream;
  const std::int64_t number = as_signed(header.number.value);
  const Gap gap = header.gap_before.value_or(Gap{GapReason{}, {}, {}});
  TRY_VOID(writer_
               ->query("INSERT OR IGNORE INTO fragments(" TIDEGATE_FRAGMENT_COLUMNS
                       ") SELECT ?,?,?3,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,? WHERE NOT EXISTS(SELECT 1 FROM tombstones "
                       "WHERE stream = ?1 AND generation = ?2 AND through >= ?3)")
               .bind(stream.id, stream.generation, number, base::to_microseconds(header.producer_time),
                     base::to_microseconds(header.server_time), header.duration.count(), header.flags,
                     static_cast<int>(gap.reason), base::to_microseconds(gap.from), base::to_microseconds(gap.to),
                     header.ended_by ? static_cast<int>(*header.ended_by) : 0, header.codec_fingerprint,
                     fragment.place.volume, fragment.place.offset, fragment.place.header_size, fragment.payload_size,
                     fragment.payload_crc, header.pictures_after.count(), header.sound_after.count(),
                     header.sound_length.count())
               .run());
  const bool inserted = writer_->changes() > 0;
  Counts::Stream& of_stream = counts.streams[stream];
  of_stream.last = std::max(of_stream.last, header.number);
  if (!inserted) {
    // The same record again changes nothing; a second copy, or a buried fragment, takes space and is dead.
    Query same = writer_->query(
        "SELECT 1 FROM fragments WHERE stream = ? AND generation = ? AND number = ? AND volume = ? AND offset = ?");
    TRY(const bool known,
        same.bind(stream.id, stream.generation, number, fragment.place.volume, fragment.place.offset).next());
    if (known) return {};
  }
  Counts::Volume& of_volume = counts.volumes[fragment.place.volume];
  ++of_volume.fragments;
  if (!inserted) return {};
  ++of_volume.live;
  ++of_stream.fragments;
  of_stream.bytes += fragment.payload_size;
  return {};
}

base::Result<void> SqliteFragmentIndex::add_counts(const Counts& counts) {
  for (const auto& [volume, change] : counts.volumes) {
    TRY_VOID(writer_
                 ->query("INSERT INTO volumes(volume, indexed_to, sealed, fragments, live) VALUES(?,0,0,?,?) "
                         "ON CONFLICT(volume) DO UPDATE SET fragments = fragments + excluded.fragments, "
                         "live = live + excluded.live")
                 .bind(volume, change.fragments, change.live)
                 .run());
  }
  for (const auto& [stream, change] : counts.streams) {
    TRY_VOID(writer_
                 ->query("INSERT INTO last_numbers VALUES(?,?,?,?,?) ON CONFLICT(stream, generation) DO UPDATE SET "
                         "number = max(number, excluded.number), fragments = fragments + excluded.fragments, "
                         "bytes = bytes + excluded.bytes")
                 .bind(stream.id, stream.generation, as_signed(change.last.value), change.fragments, change.bytes)
                 .run());
  }
  return {};
}

base::Result<void> SqliteFragmentIndex::bury(const Tombstone& tombstone, std::uint64_t volume) {
  const std::lock_guard lock(writer_mutex_);
  return writer_
      ->query(
          "INSERT INTO tombstones VALUES(?1,?2,?3,?4,?4) ON CONFLICT(stream, generation) DO UPDATE SET "
          "born = CASE WHEN excluded.through > through THEN excluded.born ELSE born END, "
          "volume = CASE WHEN excluded.through >= through THEN excluded.volume ELSE volume END, "
          "through = max(through, excluded.through)")
      .bind(tombstone.stream.id, tombstone.stream.generation, as_signed(tombstone.through.value), volume)
      .run();
}

base::Result<RemovedRows> SqliteFragmentIndex::remove(StreamKey stream, FragmentNumber through, std::size_t limit) {
  const std::lock_guard lock(writer_mutex_);
  Transaction transaction(*writer_);
  TRY_VOID(transaction.begin());
  RemovedRows removed;
  Counts counts;
  std::int64_t last = -1;
  {
    Query rows = writer_->query(
        "SELECT number, volume, size FROM fragments WHERE stream = ? AND generation = ? AND number <= ? "
        "ORDER BY number LIMIT ?");
    rows.bind(stream.id, stream.generation, as_signed(through.value), limit);
    while (true) {
      TRY(const bool more, rows.next());
      if (!more) break;
      last = rows.integer(0);
      ++removed.fragments;
      removed.bytes += rows.word(2);
      --counts.volumes[rows.word(1)].live;
    }
  }
  if (removed.fragments == 0) return removed;
  TRY_VOID(writer_->query("DELETE FROM fragments WHERE stream = ? AND generation = ? AND number <= ?")
               .bind(stream.id, stream.generation, last)
               .run());
  Counts::Stream& of_stream = counts.streams[stream];
  of_stream.fragments = -static_cast<std::int64_t>(removed.fragments);
  of_stream.bytes = -static_cast<std::int64_t>(removed.bytes);
  TRY_VOID(add_counts(counts));
  TRY_VOID(transaction.commit());
  for (const auto& [volume, change] : counts.volumes) removed.volumes.push_back(volume);
  removed.complete = removed.fragments < limit;
  return removed;
}

base::Result<void> SqliteFragmentIndex::note_hollow(std::uint64_t volume, std::uint64_t hollow) {
  const std::lock_guard lock(writer_mutex_);
  return writer_->query("UPDATE volumes SET hollow = ? WHERE volume = ?").bind(hollow, volume).run();
}

// The row stays while its number is the highest: numbers are not given twice.
base::Result<void> SqliteFragmentIndex::forget_volume(std::uint64_t volume) {
  const std::lock_guard lock(writer_mutex_);
  Transaction transaction(*writer_);
  TRY_VOID(transaction.begin());
  std::int64_t live = 0;
  {
    Query use = writer_->query("SELECT live FROM volumes WHERE volume = ?");
    TRY(const bool known, use.bind(volume).next());
    if (known) live = use.integer(0);
  }
  if (live > 0) {
    TRY_VOID(
        writer_
            ->query("UPDATE last_numbers SET fragments = last_numbers.fragments - gone.rows, bytes = bytes - gone.sum "
                    "FROM (SELECT stream, generation, count(*) AS rows, sum(size) AS sum FROM fragments "
                    "WHERE volume = ? GROUP BY stream, generation) AS gone "
                    "WHERE last_numbers.stream = gone.stream AND last_numbers.generation = gone.generation")
            .bind(volume)
            .run());
    TRY_VOID(writer_->query("DELETE FROM fragments WHERE volume = ?").bind(volume).run());
  }
  TRY_VOID(writer_->query("UPDATE volumes SET removed = 1, sealed = 1, live = 0 WHERE volume = ?").bind(volume).run());
  TRY_VOID(writer_->run("DELETE FROM volumes WHERE removed = 1 AND volume < (SELECT max(volume) FROM volumes)"));
  return transaction.commit();
}

base::Result<void> SqliteFragmentIndex::settle_tombstone(StreamKey stream) {
  const std::lock_guard lock(writer_mutex_);
  return writer_->query("UPDATE tombstones SET volume = 0 WHERE stream = ? AND generation = ?")
      .bind(stream.id, stream.generation)
      .run();
}

base::Result<std::unique_ptr<FragmentIndex>> open_sqlite_index(const std::string& path) {
  TRY(auto writer, Database::open(path, sqlite::Durability::Normal));
  TRY_VOID(writer->migrate(kSchema));
  return std::make_unique<SqliteFragmentIndex>(path, std::move(writer));
}

base::Result<std::unique_ptr<FragmentIndex>> open_sqlite_index_for_reading(const std::string& path) {
  TRY(const auto database, Database::open_for_reading(path, kSchema.size()));
  return std::make_unique<SqliteFragmentIndex>(path, nullptr);
}

}  // namespace store
