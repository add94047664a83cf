// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <mutex>

#include "store/metadata_store.hpp"
#include "store/sqlite/catalog_schema.hpp"
#include "store/sqlite/database.hpp"

namespace store {
namespace {

using sqlite::Database;
using sqlite::Query;
using sqlite::Transaction;

// One connection behind a mutex: catalog changes are rare, and each waits for the disk anyway.
class SqliteMetadataStore final : public MetadataStore {
 public:
  explicit SqliteMetadataStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  base::Result<std::vector<StreamRow>> load_streams() override {
    const std::lock_guard lock(mutex_);
    std::vector<StreamRow> rows;
    Query query = database_->query(
        "SELECT id, generation, name, arn, created_ms, version, device_name, media_type, kms_key_id, storage_tier, "
        "retention_hours FROM streams ORDER BY name");
    while (true) {
      TRY(const bool more, query.next());
      if (!more) break;
      StreamRow row;
      row.key = {query.word(0), static_cast<std::uint32_t>(query.integer(1))};
      row.name = query.text(2);
      row.arn = query.text(3);
      row.created_ms = query.integer(4);
      row.version = query.text(5);
      row.device_name = query.text(6);
      row.media_type = query.text(7);
      row.kms_key_id = query.text(8);
      row.storage_tier = query.text(9);
      row.retention_hours = static_cast<std::uint32_t>(query.integer(10));
      TRY(row.tags, load_tags(row.arn));
      TRY(row.configurations, load_configurations(row.key.id));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  base::Result<std::vector<ChannelRow>> load_channels() override {
    const std::lock_guard lock(mutex_);
    std::vector<ChannelRow> rows;
    Query query = database_->query(
        "SELECT id, name, arn, created_ms, version, type, message_ttl_seconds, storage_stream_arn FROM channels "
        "ORDER BY name");
    while (true) {
      TRY(const bool more, query.next());
      if (!more) break;
      ChannelRow row;
      row.id = query.word(0);
      row.name = query.text(1);
      row.arn = query.text(2);
      row.created_ms = query.integer(3);
      row.version = query.text(4);
      row.type = query.text(5);
      row.message_ttl_seconds = static_cast<std::uint32_t>(query.integer(6));
      if (!query.is_null(7)) row.storage_stream_arn = query.text(7);
      TRY(row.tags, load_tags(row.arn));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  base::Result<void> insert_stream(StreamRow& row) override {
    const std::lock_guard lock(mutex_);
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    {
      Query taken = database_->query("SELECT 1 FROM streams WHERE name = ?");
      TRY(const bool exists, taken.bind(row.name).next());
      if (exists) return base::fail(base::Errc::AlreadyExists, fmt::format("a stream named {} exists", row.name));
    }
    StreamKey key;
    {
      // The id stays with the name for ever; each creation is a generation of its own.
      Query named = database_->query(
          "INSERT INTO stream_names(name, generation) VALUES(?, 1) "
          "ON CONFLICT(name) DO UPDATE SET generation = generation + 1 RETURNING id, generation");
      TRY(const bool given, named.bind(row.name).next());
      if (!given) return base::fail(base::Errc::Internal, "no id was given for stream " + row.name);
      key = {named.word(0), static_cast<std::uint32_t>(named.integer(1))};
    }
    TRY_VOID(database_->query("INSERT INTO streams VALUES(?,?,?,?,?,?,?,?,?,?,?)")
                 .bind(key.id, key.generation, row.name, row.arn, row.created_ms, row.version, row.device_name,
                       row.media_type, row.kms_key_id, row.storage_tier, row.retention_hours)
                 .run());
    TRY_VOID(replace_tags(row.arn, row.tags));
    TRY_VOID(replace_configurations(key.id, row.configurations));
    TRY_VOID(transaction.commit());
    row.key = key;
    return {};
  }

  base::Result<void> update_stream(const StreamRow& row, const std::string& expected_version) override {
    const std::lock_guard lock(mutex_);
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY_VOID(database_
                 ->query("UPDATE streams SET version = ?, device_name = ?, media_type = ?, kms_key_id = ?, "
                         "storage_tier = ?, retention_hours = ? WHERE id = ? AND generation = ? AND version = ?")
                 .bind(row.version, row.device_name, row.media_type, row.kms_key_id, row.storage_tier,
                       row.retention_hours, row.key.id, row.key.generation, expected_version)
                 .run());
    if (database_->changes() != 1) return version_mismatch(row.arn);
    TRY_VOID(replace_tags(row.arn, row.tags));
    TRY_VOID(replace_configurations(row.key.id, row.configurations));
    return transaction.commit();
  }

  base::Result<void> delete_stream(StreamKey key, const std::string& expected_version) override {
    const std::lock_guard lock(mutex_);
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY_VOID(
        database_->query("DELETE FROM tags WHERE arn = (SELECT arn FROM streams WHERE id = ?)").bind(key.id).run());
    TRY_VOID(database_->query("DELETE FROM streams WHERE id = ? AND generation = ? AND version = ?")
                 .bind(key.id, key.generation, expected_version)
                 .run());
    if (database_->changes() != 1) return version_mismatch("the stream");
    TRY_VOID(database_->query("DELETE FROM stream_configurations WHERE stream_id = ?").bind(key.id).run());
    TRY_VOID(database_->query("INSERT INTO deleted_streams VALUES(?, ?)").bind(key.id, key.generation).run());
    return transaction.commit();
  }

  base::Result<std::vector<StreamKey>> deleted_streams() override {
    const std::lock_guard lock(mutex_);
    std::vector<StreamKey> keys;
    Query query = database_->query("SELECT id, generation FROM deleted_streams");
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return keys;
      keys.push_back({query.word(0), static_cast<std::uint32_t>(query.integer(1))});
    }
  }

  base::Result<void> insert_channel(ChannelRow& row) override {
    const std::lock_guard lock(mutex_);
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    {
      Query taken = database_->query("SELECT 1 FROM channels WHERE name = ?");
      TRY(const bool exists, taken.bind(row.name).next());
      if (exists) return base::fail(base::Errc::AlreadyExists, fmt::format("a channel named {} exists", row.name));
    }
    std::uint64_t id = 0;
    {
      Query insert = database_->query(
          "INSERT INTO channels(name, arn, created_ms, version, type, message_ttl_seconds, storage_stream_arn) "
          "VALUES(?,?,?,?,?,?,?) RETURNING id");
      TRY(const bool given, insert
                                .bind(row.name, row.arn, row.created_ms, row.version, row.type, row.message_ttl_seconds,
                                      row.storage_stream_arn)
                                .next());
      if (!given) return base::fail(base::Errc::Internal, "no id was given for channel " + row.name);
      id = insert.word(0);
    }
    TRY_VOID(replace_tags(row.arn, row.tags));
    TRY_VOID(transaction.commit());
    row.id = id;
    return {};
  }

  base::Result<void> update_channel(const ChannelRow& row, const std::string& expected_version) override {
    const std::lock_guard lock(mutex_);
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    {
      Query taken = database_->query("SELECT name FROM channels WHERE storage_stream_arn = ? AND id <> ?");
      TRY(const bool exists, taken.bind(row.storage_stream_arn, row.id).next());
      if (exists) {
        return base::fail(base::Errc::InUse, fmt::format("stream {} is mapped to channel {}",
                                                         row.storage_stream_arn.value_or(""), taken.text(0)));
      }
    }
    TRY_VOID(database_
                 ->query("UPDATE channels SET version = ?, message_ttl_seconds = ?, storage_stream_arn = ? "
                         "WHERE id = ? AND version = ?")
                 .bind(row.version, row.message_ttl_seconds, row.storage_stream_arn, row.id, expected_version)
                 .run());
    if (database_->changes() != 1) return version_mismatch(row.arn);
    TRY_VOID(replace_tags(row.arn, row.tags));
    return transaction.commit();
  }

  base::Result<void> delete_channel(std::uint64_t id, const std::string& expected_version) override {
    const std::lock_guard lock(mutex_);
    Transaction transaction(*database_);
    TRY_VOID(transaction.begin());
    TRY_VOID(database_->query("DELETE FROM tags WHERE arn = (SELECT arn FROM channels WHERE id = ?)").bind(id).run());
    TRY_VOID(database_->query("DELETE FROM channels WHERE id = ? AND version = ?").bind(id, expected_version).run());
    if (database_->changes() != 1) return version_mismatch("the channel");
    return transaction.commit();
  }

 private:
  static std::unexpected<base::Error> version_mismatch(const std::string& what) {
    return base::fail(base::Errc::VersionMismatch,
                      fmt::format("the version given is not the current version of {}: describe it again", what));
  }

  base::Result<Tags> load_tags(const std::string& arn) {
    Tags tags;
    Query query = database_->query("SELECT key, value FROM tags WHERE arn = ?");
    query.bind(arn);
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return tags;
      tags.emplace(query.text(0), query.text(1));
    }
  }

  base::Result<void> replace_tags(const std::string& arn, const Tags& tags) {
    TRY_VOID(database_->query("DELETE FROM tags WHERE arn = ?").bind(arn).run());
    for (const auto& [key, value] : tags) {
      TRY_VOID(database_->query("INSERT INTO tags VALUES(?, ?, ?)").bind(arn, key, value).run());
    }
    return {};
  }

  base::Result<std::map<std::string, std::string>> load_configurations(std::uint64_t stream) {
    std::map<std::string, std::string> documents;
    Query query = database_->query("SELECT kind, document FROM stream_configurations WHERE stream_id = ?");
    query.bind(stream);
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return documents;
      documents.emplace(query.text(0), query.text(1));
    }
  }

  base::Result<void> replace_configurations(std::uint64_t stream, const std::map<std::string, std::string>& documents) {
    TRY_VOID(database_->query("DELETE FROM stream_configurations WHERE stream_id = ?").bind(stream).run());
    for (const auto& [kind, document] : documents) {
      TRY_VOID(
          database_->query("INSERT INTO stream_configurations VALUES(?, ?, ?)").bind(stream, kind, document).run());
    }
    return {};
  }

  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

}  // namespace

base::Result<std::unique_ptr<MetadataStore>> open_sqlite_metadata(const std::string& path) {
  TRY(auto database, Database::open(path, sqlite::Durability::Full));
  TRY_VOID(database->migrate(sqlite::kCatalogSchema));
  return std::make_unique<SqliteMetadataStore>(std::move(database));
}

base::Result<std::unique_ptr<MetadataStore>> open_sqlite_metadata_for_reading(const std::string& path) {
  TRY(auto database, Database::open_for_reading(path, sqlite::kCatalogSchema.size()));
  return std::make_unique<SqliteMetadataStore>(std::move(database));
}

}  // namespace store
