// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/database.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "store/sqlite_memory.hpp"

namespace store::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

}  // namespace

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::note(int status) {
  if (status_ == SQLITE_OK) status_ = status;
}

void Query::bind_one(int at, std::string_view text) {
  // Never a null pointer, which SQLite takes for NULL.
  const char* begin = text.data() == nullptr ? "" : text.data();
  note(sqlite3_bind_text(statement_, at, begin, static_cast<int>(text.size()), SQLITE_STATIC));
}

void Query::bind_one(int at, const std::optional<std::string>& text) {
  if (text) {
    bind_one(at, std::string_view(*text));
  } else {
    note(sqlite3_bind_null(statement_, at));
  }
}

base::Result<bool> Query::next() {
  if (statement_ == nullptr) return database_.error(SQLITE_ERROR);
  if (status_ != SQLITE_OK) return database_.error(status_);
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return database_.error(status);
}

base::Result<void> Query::run() {
  TRY(const bool row, next());
  static_cast<void>(row);
  return {};
}

std::string Query::text(int column) const {
  const auto* begin = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return begin == nullptr ? std::string()
                          : std::string(begin, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

base::Result<std::unique_ptr<Database>> Database::open(const std::string& path, Durability durability, bool read_only) {
  sqlite3* handle = nullptr;
  const int mode = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int status = sqlite3_open_v2(path.c_str(), &handle, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(handle, path));
  if (status != SQLITE_OK) return database->error(status);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (!read_only) {
    TRY_VOID(database->run_script("PRAGMA journal_mode=WAL"));
    // A thousand streams append to a thousand leaves of each tree: with SQLite's usual 2 MB every row would read pages.
    TRY_VOID(database->run_script("PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4000"));
  }
  TRY_VOID(
      database->run_script(durability == Durability::Full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
  return database;
}

base::Result<std::unique_ptr<Database>> Database::open_for_reading(const std::string& path, std::size_t version) {
  if (!std::filesystem::exists(path)) return base::fail(base::Errc::NotFound, fmt::format("there is no {}", path));
  TRY(auto database, open(path, Durability::Normal, true));
  {
    Query newest = database->query("SELECT max(version) FROM migrations");
    TRY(const bool row, newest.next());
    const std::int64_t found = row ? newest.integer(0) : 0;
    if (found != static_cast<std::int64_t>(version)) {
      return base::fail(
          base::Errc::Unsupported,
          fmt::format("{} has schema version {}, this program reads {}: start this version's server once, or "
                      "use the program that wrote it",
                      path, found, version));
    }
  }
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Query Database::query(const char* sql) {
  auto& statement = statements_[sql];
  if (statement == nullptr) sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return Query(*this, statement);
}

base::Result<void> Database::run_script(const char* sql) {
  const int status = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return error(status);
  return {};
}

base::Result<void> Database::migrate(std::span<const char* const> steps) {
  TRY_VOID(
      run_script("CREATE TABLE IF NOT EXISTS migrations("
                 "version INTEGER PRIMARY KEY, applied TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"));
  std::int64_t version = 0;
  {
    Query newest = query("SELECT coalesce(max(version), 0) FROM migrations");
    TRY(const bool row, newest.next());
    if (row) version = newest.integer(0);
  }
  if (version > static_cast<std::int64_t>(steps.size())) {
    return base::fail(base::Errc::Unsupported,
                      fmt::format("{} has schema version {}, this program knows up to {}: use a newer one", path_,
                                  version, steps.size()));
  }
  for (; version < static_cast<std::int64_t>(steps.size()); ++version) {
    Transaction transaction(*this);
    TRY_VOID(transaction.begin());
    TRY_VOID(run_script(steps[static_cast<std::size_t>(version)]));
    TRY_VOID(query("INSERT INTO migrations(version) VALUES(?)").bind(version + 1).run());
    TRY_VOID(transaction.commit());
  }
  return {};
}

std::unexpected<base::Error> Database::error(int status) const {
  const int kind = status & 0xff;
  const bool full = kind == SQLITE_FULL;
  const bool damaged = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
  return base::fail(
      full ? base::Errc::Unavailable : (damaged ? base::Errc::Corrupt : base::Errc::Io),
      fmt::format("{}: {}", path_, handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(status)));
}

Transaction::~Transaction() {
  if (open_) static_cast<void>(database_.run("ROLLBACK"));
}

base::Result<void> Transaction::begin() {
  TRY_VOID(database_.run("BEGIN IMMEDIATE"));
  open_ = true;
  return {};
}

base::Result<void> Transaction::commit() {
  TRY_VOID(database_.run("COMMIT"));
  open_ = false;
  return {};
}

}  // namespace store::sqlite

namespace store {

std::uint64_t sqlite_memory_bytes() {
  return static_cast<std::uint64_t>(sqlite3_memory_used());
}

}  // namespace store
