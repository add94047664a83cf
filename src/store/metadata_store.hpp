// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows that only the catalog knows: streams, channels, tags, mappings. docs/formats/metadata.md shows the tables.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/fragment.hpp"

namespace store {

using Tags = std::map<std::string, std::string>;

struct StreamRow {
  StreamKey key;  // given by insert_stream
  std::string name;
  std::string arn;
  std::int64_t created_ms = 0;
  std::string version;
  std::string device_name;
  std::string media_type;
  std::string kms_key_id;
  std::string storage_tier;
  std::uint32_t retention_hours = 0;
  Tags tags;
  // Documents kept as they are, by kind ("image_generation", "notification", "edge").
  std::map<std::string, std::string> configurations;
};

struct ChannelRow {
  std::uint64_t id = 0;  // given by insert_channel
  std::string name;
  std::string arn;
  std::int64_t created_ms = 0;
  std::string version;
  std::string type;
  std::uint32_t message_ttl_seconds = 60;
  Tags tags;
  // Storage is enabled exactly when a stream is named.
  std::optional<std::string> storage_stream_arn;
};

// Thread-safe and synchronous: call it on a disk worker. A change is durable when the call returns.
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  virtual base::Result<std::vector<StreamRow>> load_streams() = 0;
  virtual base::Result<std::vector<ChannelRow>> load_channels() = 0;

  // AlreadyExists if the name is taken. Sets row.key.
  virtual base::Result<void> insert_stream(StreamRow& row) = 0;
  // Replaces everything but the key, if the stored version still is `expected_version`; else VersionMismatch.
  virtual base::Result<void> update_stream(const StreamRow& row, const std::string& expected_version) = 0;
  // Removes the row; its key is listed by deleted_streams() for ever, and a new stream of that name gets the next
  // generation.
  virtual base::Result<void> delete_stream(StreamKey key, const std::string& expected_version) = 0;
  virtual base::Result<std::vector<StreamKey>> deleted_streams() = 0;

  virtual base::Result<void> insert_channel(ChannelRow& row) = 0;
  // InUse if another channel has the same storage_stream_arn.
  virtual base::Result<void> update_channel(const ChannelRow& row, const std::string& expected_version) = 0;
  virtual base::Result<void> delete_channel(std::uint64_t id, const std::string& expected_version) = 0;
};

// The SQLite adapter: WAL, every change synced. Makes or migrates the file at `path`.
base::Result<std::unique_ptr<MetadataStore>> open_sqlite_metadata(const std::string& path);
// For looking only, also while a server writes it: nothing is made or migrated, and changes fail. NotFound without the
// file, Unsupported if its schema is another one.
base::Result<std::unique_ptr<MetadataStore>> open_sqlite_metadata_for_reading(const std::string& path);

}  // namespace store
