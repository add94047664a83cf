// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <mutex>

#include "store/delivery_positions.hpp"
#include "store/sqlite/database.hpp"

namespace store {
namespace {

// docs/formats/metadata.md explains every column.
constexpr std::array<const char*, 1> kSchema = {R"sql(
CREATE TABLE positions(
  stream INTEGER NOT NULL, generation INTEGER NOT NULL, kind TEXT NOT NULL, number INTEGER NOT NULL,
  last_image_us INTEGER, PRIMARY KEY(stream, generation, kind)) WITHOUT ROWID;
)sql"};

// One connection behind a mutex: whoever calls waits for the disk anyway.
class SqliteDeliveryPositions final : public DeliveryPositions {
 public:
  explicit SqliteDeliveryPositions(std::unique_ptr<sqlite::Database> database) : database_(std::move(database)) {}

  base::Result<std::vector<DeliveryPosition>> load() override {
    const std::lock_guard lock(mutex_);
    std::vector<DeliveryPosition> positions;
    sqlite::Query query = database_->query("SELECT stream, generation, kind, number, last_image_us FROM positions");
    while (true) {
      TRY(const bool more, query.next());
      if (!more) return positions;
      DeliveryPosition position;
      position.stream = {query.word(0), static_cast<std::uint32_t>(query.integer(1))};
      position.kind = query.text(2);
      position.number = {query.word(3)};
      if (!query.is_null(4)) position.last_image = base::from_microseconds(query.integer(4));
      positions.push_back(std::move(position));
    }
  }

  base::Result<void> save(const DeliveryPosition& position) override {
    const std::lock_guard lock(mutex_);
    const StreamKey key = position.stream;
    if (!position.last_image) {
      return database_->query("INSERT OR REPLACE INTO positions VALUES(?, ?, ?, ?, NULL)")
          .bind(key.id, key.generation, position.kind, position.number.value)
          .run();
    }
    return database_->query("INSERT OR REPLACE INTO positions VALUES(?, ?, ?, ?, ?)")
        .bind(key.id, key.generation, position.kind, position.number.value, base::to_microseconds(*position.last_image))
        .run();
  }

  base::Result<void> forget(StreamKey stream, const std::string& kind) override {
    const std::lock_guard lock(mutex_);
    return database_->query("DELETE FROM positions WHERE stream = ? AND generation = ? AND kind = ?")
        .bind(stream.id, stream.generation, kind)
        .run();
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<sqlite::Database> database_;
};

}  // namespace

base::Result<std::unique_ptr<DeliveryPositions>> open_sqlite_delivery_positions(const std::string& path) {
  TRY(auto database, sqlite::Database::open(path, sqlite::Durability::Normal));
  TRY_VOID(database->migrate(kSchema));
  return std::make_unique<SqliteDeliveryPositions>(std::move(database));
}

}  // namespace store
