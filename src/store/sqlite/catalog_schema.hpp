// SPDX-License-Identifier: Apache-2.0
#pragma once
// The tables of catalog.sqlite, which two stores share. docs/formats/metadata.md explains every column.

#include <array>

namespace store::sqlite {

inline constexpr std::array<const char*, 2> kCatalogSchema = {R"sql(
CREATE TABLE stream_names(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, generation INTEGER NOT NULL);
CREATE TABLE streams(
  id INTEGER PRIMARY KEY REFERENCES stream_names(id), generation INTEGER NOT NULL, name TEXT NOT NULL UNIQUE,
  arn TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, version TEXT NOT NULL, device_name TEXT NOT NULL,
  media_type TEXT NOT NULL, kms_key_id TEXT NOT NULL, storage_tier TEXT NOT NULL, retention_hours INTEGER NOT NULL);
CREATE TABLE stream_configurations(
  stream_id INTEGER NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY(stream_id, kind)) WITHOUT ROWID;
CREATE TABLE deleted_streams(
  id INTEGER NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY(id, generation)) WITHOUT ROWID;
CREATE TABLE channels(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, arn TEXT NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL, version TEXT NOT NULL, type TEXT NOT NULL, message_ttl_seconds INTEGER NOT NULL,
  storage_stream_arn TEXT UNIQUE);
CREATE TABLE tags(arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(arn, key)) WITHOUT ROWID;
)sql",
                                                              R"sql(
CREATE TABLE access_keys(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, sealed_secret TEXT NOT NULL, created_ms INTEGER NOT NULL,
  expires_ms INTEGER, token_sha256 TEXT NOT NULL, parent TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE access_key_policies(
  key_id TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY(key_id, name)) WITHOUT ROWID;
)sql"};

}  // namespace store::sqlite
