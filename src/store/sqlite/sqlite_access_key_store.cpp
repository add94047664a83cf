// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "store/access_key_store.hpp"
#include "store/sqlite/catalog_schema.hpp"
#include "store/sqlite/database.hpp"

namespace store {
namespace {

using sqlite::Database;
using sqlite::Query;
using sqlite::Transaction;

class SqliteAccessKeyStore final : public AccessKeyStore {
 public:
  explicit SqliteAccessKeyStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  base::Result<std::int64_t> version_of_file() override {
    Query query = database_->query("PRAGMA data_version");
    TRY(const bool row, query.next());
    return row ? query.integer(0) : 0;
  }

  // In one transaction, so that no key is seen without the policy that denies.
  base::Result<std::vector<AccessKeyRow>> load() override {
    TRY_VOID(database_->run("BEGIN"));
    auto rows = load_rows();
    TRY_VOID(database_->run("COMMIT"));
    return rows;
  }

  base::Result<void> insert(const AccessKeyRow& row) override {
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY(const bool taken, exists(row.id));
    if (taken) return base::fail(base::Errc::AlreadyExists, fmt::format("an access key {} exists", row.id));
    if (!row.parent.empty()) TRY_VOID(check_exists(row.parent));
    const auto ends = row.expires_ms ? std::optional(std::to_string(*row.expires_ms)) : std::nullopt;
    TRY_VOID(database_->query("INSERT INTO access_keys VALUES(?, ?, ?, ?, ?, ?, ?)")
                 .bind(row.id, row.name, row.sealed_secret, row.created_ms, ends, row.token_sha256, row.parent)
                 .run());
    for (const auto& [name, document] : row.policies) TRY_VOID(write_policy(row.id, name, document));
    return transaction.commit();
  }

  base::Result<void> remove(const std::string& id) override {
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY_VOID(check_exists(id));
    TRY_VOID(database_->query("DELETE FROM access_keys WHERE id = ?1 OR parent = ?1").bind(id).run());
    TRY_VOID(remove_orphaned_policies());
    return transaction.commit();
  }

  base::Result<void> remove_expired(std::int64_t before_ms) override {
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY_VOID(database_->query("DELETE FROM access_keys WHERE expires_ms < ?").bind(before_ms).run());
    TRY_VOID(remove_orphaned_policies());
    return transaction.commit();
  }

  base::Result<void> put_policy(const std::string& id, const std::string& name, const std::string& document) override {
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY_VOID(check_exists(id));
    TRY_VOID(write_policy(id, name, document));
    return transaction.commit();
  }

  base::Result<void> remove_policy(const std::string& id, const std::string& name) override {
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY_VOID(database_->query("DELETE FROM access_key_policies WHERE key_id = ? AND name = ?").bind(id, name).run());
    if (database_->changes() != 1) {
      return base::fail(base::Errc::NotFound, fmt::format("access key {} has no policy {}", id, name));
    }
    return transaction.commit();
  }

 private:
  base::Result<std::vector<AccessKeyRow>> load_rows() {
    std::vector<AccessKeyRow> rows;
    Query query = database_->query(
        "SELECT id, name, sealed_secret, created_ms, expires_ms, token_sha256, parent FROM access_keys "
        "ORDER BY created_ms, id");
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return rows;
      AccessKeyRow row;
      row.id = query.text(0);
      row.name = query.text(1);
      row.sealed_secret = query.text(2);
      row.created_ms = query.integer(3);
      if (!query.is_null(4)) row.expires_ms = query.integer(4);
      row.token_sha256 = query.text(5);
      row.parent = query.text(6);
      TRY(row.policies, load_policies(row.id));
      rows.push_back(std::move(row));
    }
  }

  base::Result<std::map<std::string, std::string>> load_policies(const std::string& id) {
    std::map<std::string, std::string> policies;
    Query query = database_->query("SELECT name, document FROM access_key_policies WHERE key_id = ?");
    query.bind(id);
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return policies;
      policies.emplace(query.text(0), query.text(1));
    }
  }

  base::Result<bool> exists(const std::string& id) {
    Query query = database_->query("SELECT 1 FROM access_keys WHERE id = ?");
    return query.bind(id).next();
  }

  base::Result<void> check_exists(const std::string& id) {
    TRY(const bool found, exists(id));
    if (!found) return base::fail(base::Errc::NotFound, fmt::format("there is no access key {}", id));
    return {};
  }

  base::Result<void> write_policy(const std::string& id, const std::string& name, const std::string& document) {
    return database_->query("INSERT OR REPLACE INTO access_key_policies VALUES(?, ?, ?)")
        .bind(id, name, document)
        .run();
  }

  base::Result<void> remove_orphaned_policies() {
    return database_->run("DELETE FROM access_key_policies WHERE key_id NOT IN (SELECT id FROM access_keys)");
  }

  std::unique_ptr<Database> database_;
};

}  // namespace

base::Result<std::unique_ptr<AccessKeyStore>> open_sqlite_access_keys(const std::string& path) {
  TRY(auto database, Database::open(path, sqlite::Durability::Full));
  TRY_VOID(database->migrate(sqlite::kCatalogSchema));
  return std::make_unique<SqliteAccessKeyStore>(std::move(database));
}

}  // namespace store
