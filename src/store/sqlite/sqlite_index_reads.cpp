// SPDX-License-Identifier: Apache-2.0
// Reading the index.
#include "store/sqlite/sqlite_fragment_index.hpp"

namespace store {

using sqlite::Database;
using sqlite::Query;

namespace {

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
  header.pictures_after = std::chrono::microseconds(row.integer(17));
  header.sound_after = std::chrono::microseconds(row.integer(18));
  header.sound_length = std::chrono::milliseconds(row.integer(19));
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

base::Result<std::optional<StoredFragment>> read_optional(Query& query) {
  TRY(const bool found, query.next());
  if (!found) return std::optional<StoredFragment>();
  return std::optional(read_row(query));
}

}  // namespace

// A reading connection, borrowed for one call.
class SqliteFragmentIndex::Reader {
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

base::Result<FragmentNumber> SqliteFragmentIndex::last_number(StreamKey stream) {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  Query query = database->query("SELECT number FROM last_numbers WHERE stream = ? AND generation = ?");
  TRY(const bool found, query.bind(stream.id, stream.generation).next());
  return FragmentNumber{found ? query.word(0) : 0};
}

base::Result<std::optional<StoredFragment>> SqliteFragmentIndex::find(StreamKey stream, FragmentNumber number) {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                " FROM fragments WHERE stream = ? AND generation = ? AND number = ?");
  return read_optional(query.bind(stream.id, stream.generation, as_signed(number.value)));
}

base::Result<std::vector<StoredFragment>> SqliteFragmentIndex::after(StreamKey stream, FragmentNumber number,
                                                                     std::size_t limit) {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                " FROM fragments WHERE stream = ? AND generation = ? AND number > ? "
                                "ORDER BY number LIMIT ?");
  return read_rows(query.bind(stream.id, stream.generation, as_signed(number.value), limit));
}

base::Result<std::vector<StoredFragment>> SqliteFragmentIndex::newest(StreamKey stream, std::size_t limit) {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  Query query = database->query("SELECT * FROM (SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                " FROM fragments WHERE stream = ? AND generation = ? ORDER BY number DESC LIMIT ?) "
                                "ORDER BY number");
  return read_rows(query.bind(stream.id, stream.generation, limit));
}

base::Result<std::vector<StoredFragment>> SqliteFragmentIndex::between(StreamKey stream, const ListWindow& window,
                                                                       ListPosition past, std::size_t limit) {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  const std::int64_t low = base::to_microseconds(window.from), high = base::to_microseconds(window.to);
  const std::int64_t past_time = base::to_microseconds(past.time), past_number = as_signed(past.number.value);
  if (window.axis == TimeAxis::Producer) {
    Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
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

base::Result<std::vector<StoredFragment>> SqliteFragmentIndex::gaps(StreamKey stream, ListPosition past,
                                                                    std::size_t limit) {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  // INDEXED BY: a plan that walks fragments is an error, not a slow answer.
  Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS
                                " FROM fragments INDEXED BY fragments_with_gaps WHERE stream = ?1 AND generation = ?2 "
                                "AND gap_reason <> 0 AND producer_us >= ?3 AND (producer_us, number) > (?3, ?4) "
                                "ORDER BY producer_us, number LIMIT ?5");
  return read_rows(
      query.bind(stream.id, stream.generation, base::to_microseconds(past.time), as_signed(past.number.value), limit));
}

base::Result<std::optional<StoredFragment>> SqliteFragmentIndex::at_or_before(StreamKey stream, TimeAxis axis,
                                                                              base::WallTime time) {
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

base::Result<std::vector<VolumeMark>> SqliteFragmentIndex::marks() {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  std::vector<VolumeMark> marks;
  Query query = database->query("SELECT volume, indexed_to, sealed FROM volumes ORDER BY volume");
  while (true) {
    TRY(const bool more, query.next());
    if (!more) return marks;
    marks.push_back({query.word(0), query.word(1), query.integer(2) != 0});
  }
}

base::Result<std::vector<VolumeUse>> SqliteFragmentIndex::volume_uses() {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  std::vector<VolumeUse> uses;
  Query query = database->query(
      "SELECT volume, indexed_to, fragments, live, hollow FROM volumes WHERE removed = 0 ORDER BY volume");
  while (true) {
    TRY(const bool more, query.next());
    if (!more) return uses;
    uses.push_back({query.word(0), query.word(1), query.word(2), query.word(3), query.word(4)});
  }
}

base::Result<std::vector<StoredFragment>> SqliteFragmentIndex::in_volume(std::uint64_t volume) {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  Query query = database->query("SELECT " TIDEGATE_FRAGMENT_COLUMNS " FROM fragments WHERE volume = ?");
  return read_rows(query.bind(volume));
}

base::Result<std::vector<StreamUse>> SqliteFragmentIndex::stream_uses() {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  std::vector<StreamUse> uses;
  Query query = database->query("SELECT stream, generation, fragments, bytes FROM last_numbers");
  while (true) {
    TRY(const bool more, query.next());
    if (!more) return uses;
    uses.push_back({{query.word(0), static_cast<std::uint32_t>(query.integer(1))}, query.word(2), query.word(3)});
  }
}

base::Result<std::vector<BuriedStream>> SqliteFragmentIndex::buried_streams() {
  const Reader reader(*this);
  TRY(Database* const database, reader.get());
  std::vector<BuriedStream> buried;
  Query query = database->query("SELECT stream, generation, through, volume, born FROM tombstones");
  while (true) {
    TRY(const bool more, query.next());
    if (!more) return buried;
    const std::uint64_t through = query.integer(2) == INT64_MAX ? UINT64_MAX : query.word(2);
    const StreamKey stream{query.word(0), static_cast<std::uint32_t>(query.integer(1))};
    buried.push_back({{stream, {through}}, query.word(3), query.word(4)});
  }
}

}  // namespace store
