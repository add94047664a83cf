// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <mutex>
#include <vector>

#include "store/fragment_index.hpp"
#include "store/sqlite/database.hpp"

namespace store {
namespace {

using sqlite::Database;
using sqlite::Query;
using sqlite::Transaction;

// docs/formats/metadata.md explains every column. A fragment's number is its server time unless the clock stood still
// or went back, so only those exceptions need an index by server time.
constexpr std::array<const char*, 2> kSchema = {R"sql(
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
)sql"};

#define TIDEGATE_FRAGMENT_COLUMNS                                                                                \
  "stream, generation, number, producer_us, server_us, duration_us, flags, gap_reason, gap_from_us, gap_to_us, " \
  "ended_by, fingerprint, volume, offset, header_size, size, crc"
constexpr std::int64_t kLargest = INT64_MAX;

std::int64_t as_signed(std::uint64_t value) {
  return value > static_cast<std::uint64_t>(kLargest) ? kLargest : static_cast<std::int64_t>(value);
}

StoredFragment read_row(const Query& row) {
  StoredFragment fragment;
  FragmentHeader& header = fragment.header;
  header.stream = {row.word(0), static_cast<std::uint32_t>(row.integer(1))};
  header.number = {row.word(2)};
  header.producer_time = base::from_microseconds(row.integer(3));
  header.server_time = base::from_microseconds(row.integer(4));
  header.duration = std::chrono::microseconds(row.integer(5));
  header.flags = static_cast<std::uint32_t>(row.integer(6));
  if (row.integer(7) != 0) {
    header.gap_before = Gap{static_cast<GapReason>(row.integer(7)), base::from_microseconds(row.integer(8)),
                            base::from_microseconds(row.integer(9))};
  }
  if (row.integer(10) != 0) header.ended_by = static_cast<GapReason>(row.integer(10));
  header.codec_fingerprint = row.word(11);
  fragment.place = {row.word(12), row.word(13), static_cast<std::uint32_t>(row.integer(14))};
  fragment.payload_size = static_cast<std::uint32_t>(row.integer(15));
  fragment.payload_crc = static_cast<std::uint32_t>(row.integer(16));
  return fragment;
}

base::Result<std::vector<StoredFragment>> read_rows(Query& query) {
  std::vector<StoredFragment> fragments;
  while (true) {
    TRY(const bool more, query.next());
    if (!more) return fragments;
    fragments.push_back(read_row(query));
  }
}

// One writing connection and a few reading ones, which do not wait for it.
class SqliteFragmentIndex final : public FragmentIndex {
 public:
  SqliteFragmentIndex(std::string path, std::unique_ptr<Database> writer)
      : path_(std::move(path)), writer_(std::move(writer)) {}

  base::Result<void> insert(std::span<const StoredFragment> fragments, std::span<const VolumeMark> marks) override {
    const std::lock_guard lock(writer_mutex_);
    Transaction transaction(*writer_);
    TRY_VOID(transaction.begin());
    for (const StoredFragment& fragment : fragments) {
      TRY_VOID(insert_one(fragment));
    }
    for (const VolumeMark& mark : marks) {
      TRY_VOID(writer_
                   ->query("INSERT INTO volumes VALUES(?,?,?) ON CONFLICT(volume) DO UPDATE SET "
                           "indexed_to = max(indexed_to, excluded.indexed_to), sealed = max(sealed, excluded.sealed)")
                   .bind(mark.volume, mark.indexed_to, mark.sealed ? 1 : 0)
                   .run());
    }
    return transaction.commit();
  }

  base::Result<std::vector<VolumeMark>> marks() override {
    const std::lock_guard lock(writer_mutex_);
    std::vector<VolumeMark> marks;
    Query query = writer_->query("SELECT volume, indexed_to, sealed FROM volumes ORDER BY volume");
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return marks;
      marks.push_back({query.word(0), query.word(1), query.integer(2) != 0});
    }
  }

  base::Result<void> bury(const Tombstone& tombstone) override {
    const std::lock_guard lock(writer_mutex_);
    Transaction transaction(*writer_);
    TRY_VOID(transaction.begin());
    const auto& [stream, through] = tombstone;
    TRY_VOID(writer_
                 ->query("INSERT INTO tombstones VALUES(?,?,?) ON CONFLICT(stream, generation) DO UPDATE SET "
                         "through = max(through, excluded.through)")
                 .bind(stream.id, stream.generation, as_signed(through.value))
                 .run());
    TRY_VOID(writer_->query("DELETE FROM fragments WHERE stream = ? AND generation = ? AND number <= ?")
                 .bind(stream.id, stream.generation, as_signed(through.value))
                 .run());
    return transaction.commit();
  }

  base::Result<std::vector<Tombstone>> tombstones() override {
    const std::lock_guard lock(writer_mutex_);
    std::vector<Tombstone> tombstones;
    Query query = writer_->query("SELECT stream, generation, through FROM tombstones");
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return tombstones;
      const std::uint64_t through = query.integer(2) == kLargest ? UINT64_MAX : query.word(2);
      tombstones.push_back({{query.word(0), static_cast<std::uint32_t>(query.integer(1))}, {through}});
    }
  }

  base::Result<FragmentNumber> last_number(StreamKey stream) override {
    const Reader reader(*this);
    TRY(Database* const database, reader.get());
    Query query = database->query("SELECT number FROM last_numbers WHERE stream = ? AND generation = ?");
    TRY(const bool found, query.bind(stream.id, stream.generation).next());
    return FragmentNumber{found ? query.word(0) : 0};
  }

  base::Result<std::optional<StoredFragment>> find(StreamKey stream, FragmentNumber number) override {
    const Reader reader(*this);
    TRY(Database* const database, reader.get());
    Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                  " FROM fragments WHERE stream = ? AND generation = ? AND number = ?");
    return read_optional(query.bind(stream.id, stream.generation, as_signed(number.value)));
  }

  base::Result<std::vector<StoredFragment>> after(StreamKey stream, FragmentNumber number, std::size_t limit) override {
    const Reader reader(*this);
    TRY(Database* const database, reader.get());
    Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                  " FROM fragments WHERE stream = ? AND generation = ? AND number > ? "
                                  "ORDER BY number LIMIT ?");
    return read_rows(query.bind(stream.id, stream.generation, as_signed(number.value), limit));
  }

  base::Result<std::vector<StoredFragment>> newest(StreamKey stream, std::size_t limit) override {
    const Reader reader(*this);
    TRY(Database* const database, reader.get());
    Query query = database->query("SELECT * FROM (SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                  " FROM fragments WHERE stream = ? AND generation = ? ORDER BY number DESC LIMIT ?) "
                                  "ORDER BY number");
    return read_rows(query.bind(stream.id, stream.generation, limit));
  }

  base::Result<std::vector<StoredFragment>> between(StreamKey stream, TimeAxis axis, base::WallTime from,
                                                    base::WallTime to, ListPosition past, std::size_t limit) override {
    const Reader reader(*this);
    TRY(Database* const database, reader.get());
    const std::int64_t low = base::to_microseconds(from), high = base::to_microseconds(to);
    const std::int64_t past_time = base::to_microseconds(past.time), past_number = as_signed(past.number.value);
    if (axis == TimeAxis::Producer) {
      Query query =
          database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
                          " FROM fragments WHERE stream = ? AND generation = ? AND producer_us BETWEEN ? AND ? "
                          "AND (producer_us, number) > (?, ?) ORDER BY producer_us, number LIMIT ?");
      return read_rows(query.bind(stream.id, stream.generation, low, high, past_time, past_number, limit));
    }
    Query query = database->query(
        "SELECT * FROM (SELECT * FROM (SELECT " TIDEGATE_FRAGMENT_COLUMNS
        " FROM fragments WHERE stream = ?1 AND generation = ?2 AND number BETWEEN ?3 AND ?4 AND server_us = number "
        "AND number >= ?5 AND (server_us, number) > (?5, ?6) ORDER BY number LIMIT ?7) "
        "UNION ALL SELECT * FROM (SELECT " TIDEGATE_FRAGMENT_COLUMNS
        " FROM fragments WHERE stream = ?1 AND generation = ?2 AND server_us <> number AND server_us BETWEEN ?3 AND ?4 "
        "AND (server_us, number) > (?5, ?6) ORDER BY server_us, number LIMIT ?7)) ORDER BY server_us, number LIMIT ?7");
    return read_rows(query.bind(stream.id, stream.generation, low, high, past_time, past_number, limit));
  }

  base::Result<std::optional<StoredFragment>> at_or_before(StreamKey stream, TimeAxis axis,
                                                           base::WallTime time) override {
    const Reader reader(*this);
    TRY(Database* const database, reader.get());
    const std::int64_t at = base::to_microseconds(time);
    if (axis == TimeAxis::Producer) {
      Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                    " FROM fragments WHERE stream = ? AND generation = ? AND producer_us <= ? "
                                    "ORDER BY producer_us DESC, number DESC LIMIT 1");
      return read_optional(query.bind(stream.id, stream.generation, at));
    }
    Query query = database->query(
        "SELECT * FROM (SELECT * FROM (SELECT " TIDEGATE_FRAGMENT_COLUMNS
        " FROM fragments WHERE stream = ?1 AND generation = ?2 AND number <= ?3 AND server_us = number "
        "ORDER BY number DESC LIMIT 1) UNION ALL SELECT * FROM (SELECT " TIDEGATE_FRAGMENT_COLUMNS
        " FROM fragments WHERE stream = ?1 AND generation = ?2 AND server_us <> number AND server_us <= ?3 "
        "ORDER BY server_us DESC, number DESC LIMIT 1)) ORDER BY server_us DESC, number DESC LIMIT 1");
    return read_optional(query.bind(stream.id, stream.generation, at));
  }

 private:
  // A reading connection, borrowed for one call.
  class Reader {
   public:
    explicit Reader(SqliteFragmentIndex& index) : index_(index) {}
    ~Reader() {
      if (!database_) return;
      const std::lock_guard lock(index_.readers_mutex_);
      index_.readers_.push_back(std::move(database_));
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    base::Result<Database*> get() const {
      {
        const std::lock_guard lock(index_.readers_mutex_);
        if (!index_.readers_.empty()) {
          database_ = std::move(index_.readers_.back());
          index_.readers_.pop_back();
        }
      }
      if (!database_) {
        TRY(database_, Database::open(index_.path_, sqlite::Durability::Normal, true));
      }
      return database_.get();
    }

   private:
    SqliteFragmentIndex& index_;
    mutable std::unique_ptr<Database> database_;
  };

  static base::Result<std::optional<StoredFragment>> read_optional(Query& query) {
    TRY(const bool found, query.next());
    if (!found) return std::optional<StoredFragment>();
    return std::optional(read_row(query));
  }

  base::Result<void> insert_one(const StoredFragment& fragment) {
    const FragmentHeader& header = fragment.header;
    const Gap gap = header.gap_before.value_or(Gap{GapReason{}, {}, {}});
    TRY_VOID(writer_
                 ->query("INSERT OR IGNORE INTO fragments(" TIDEGATE_FRAGMENT_COLUMNS
                         ") SELECT ?,?,?3,?,?,?,?,?,?,?,?,?,?,?,?,?,? WHERE NOT EXISTS(SELECT 1 FROM tombstones "
                         "WHERE stream = ?1 AND generation = ?2 AND through >= ?3)")
                 .bind(header.stream.id, header.stream.generation, as_signed(header.number.value),
                       base::to_microseconds(header.producer_time), base::to_microseconds(header.server_time),
                       header.duration.count(), header.flags, static_cast<int>(gap.reason),
                       base::to_microseconds(gap.from), base::to_microseconds(gap.to),
                       header.ended_by ? static_cast<int>(*header.ended_by) : 0, header.codec_fingerprint,
                       fragment.place.volume, fragment.place.offset, fragment.place.header_size, fragment.payload_size,
                       fragment.payload_crc)
                 .run());
    return writer_
        ->query(
            "INSERT INTO last_numbers VALUES(?,?,?) ON CONFLICT(stream, generation) DO UPDATE SET "
            "number = max(number, excluded.number)")
        .bind(header.stream.id, header.stream.generation, as_signed(header.number.value))
        .run();
  }

  const std::string path_;
  std::mutex writer_mutex_;
  std::unique_ptr<Database> writer_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Database>> readers_;
};

#undef TIDEGATE_FRAGMENT_COLUMNS

}  // namespace

base::Result<std::unique_ptr<FragmentIndex>> open_sqlite_index(const std::string& path) {
  TRY(auto writer, Database::open(path, sqlite::Durability::Normal));
  TRY_VOID(writer->migrate(kSchema));
  return std::make_unique<SqliteFragmentIndex>(path, std::move(writer));
}

}  // namespace store
