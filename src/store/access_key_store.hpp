// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of access keys and their policies, in the catalog's file. docs/formats/metadata.md shows the tables.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace store {

struct AccessKeyRow {
  std::string id;
  std::string name;           // of the user, for error messages and lists; of temporary credentials: their key's
  std::string sealed_secret;  // store/sealed_secret.hpp
  std::int64_t created_ms = 0;
  // Temporary credentials have an end, the hash of their token (hex), and the key whose rights they have; no id there
  // means the server's own key.
  std::optional<std::int64_t> expires_ms;
  std::string token_sha256;
  std::string parent;
  // Documents by name. Of temporary credentials: what narrows them.
  std::map<std::string, std::string> policies;
};

// One thread at a time; synchronous. A change is durable when the call returns. The file may be open elsewhere, also in
// another process: the command line changes what a running server reads.
class AccessKeyStore {
 public:
  virtual ~AccessKeyStore() = default;
  // A number that is another one after somebody else has changed the file. Reads no table.
  virtual base::Result<std::int64_t> version_of_file() = 0;
  virtual base::Result<std::vector<AccessKeyRow>> load() = 0;
  // AlreadyExists if the id is taken, NotFound if there is no parent of that id.
  virtual base::Result<void> insert(const AccessKeyRow& row) = 0;
  // With its policies and the temporary credentials that were issued from it. NotFound.
  virtual base::Result<void> remove(const std::string& id) = 0;
  // Temporary credentials that ended before.
  virtual base::Result<void> remove_expired(std::int64_t before_ms) = 0;
  // Replaces the policy of that name. NotFound if there is no such key.
  virtual base::Result<void> put_policy(const std::string& id, const std::string& name,
                                        const std::string& document) = 0;
  // NotFound if the key has no policy of that name.
  virtual base::Result<void> remove_policy(const std::string& id, const std::string& name) = 0;
};

// On the catalog's file, which is made or migrated.
base::Result<std::unique_ptr<AccessKeyStore>> open_sqlite_access_keys(const std::string& path);

}  // namespace store
