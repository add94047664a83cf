// SPDX-License-Identifier: Apache-2.0
#pragma once
// SQLite in our words: connections, prepared statements, transactions, migrations.

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"

namespace store::sqlite {

enum class Durability : std::uint8_t {
  Full,    // a commit is on the disk when it returns
  Normal,  // a power cut may lose the last commits, in order; never breaks the file
};

class Database;

// A prepared statement that is reset when this goes out of scope. Parameters and columns count from 0. The first error
// is kept and comes out of next() or run().
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Binds the parameters in order: integers, text or nullopt. Text must stay alive until the query ends.
  template <class... Values>
  Query& bind(const Values&... values) {
    int at = 0;
    (bind_one(++at, values), ...);
    return *this;
  }
  base::Result<bool> next();  // a row is there
  base::Result<void> run();   // for statements without rows

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::uint64_t word(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  std::string text(int column) const;
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  template <std::integral T>
  void bind_one(int at, T value) {
    note(sqlite3_bind_int64(statement_, at, static_cast<std::int64_t>(value)));
  }
  void bind_one(int at, std::string_view text);
  void bind_one(int at, const std::string& text) { bind_one(at, std::string_view(text)); }
  void bind_one(int at, const std::optional<std::string>& text);
  void note(int status);

  Database& database_;
  sqlite3_stmt* statement_;
  int status_ = SQLITE_OK;
};

// One connection. One thread at a time. Statements are prepared once and kept.
class Database {
 public:
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // WAL mode; creates the file unless `read_only`.
  static base::Result<std::unique_ptr<Database>> open(const std::string& path, Durability durability,
                                                      bool read_only = false);

  // An existing file whose schema is exactly `version`; makes and changes nothing. NotFound, Unsupported.
  static base::Result<std::unique_ptr<Database>> open_for_reading(const std::string& path, std::size_t version);

  // `sql` is a literal of ours: it is the key of the kept statements.
  Query query(const char* sql);
  base::Result<void> run(const char* sql) { return query(sql).run(); }
  // Several statements at once, for schemas.
  base::Result<void> run_script(const char* sql);
  std::int64_t changes() const { return sqlite3_changes64(handle_); }

  // Brings the schema to the newest version, one transaction per step; step n is the script at n - 1. Refuses a
  // database of a newer program.
  base::Result<void> migrate(std::span<const char* const> steps);

  std::unexpected<base::Error> error(int status) const;

 private:
  explicit Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}

  sqlite3* handle_;
  std::string path_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  base::Result<void> begin();
  base::Result<void> commit();

 private:
  Database& database_;
  bool open_ = false;
};

}  // namespace store::sqlite
