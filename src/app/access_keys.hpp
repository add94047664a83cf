// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where access keys are: rows in the data directory's catalog, and the file with the key that their secrets are sealed
// with.

#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "store/access_key_store.hpp"

namespace app {

struct AccessKeys {
  std::unique_ptr<store::AccessKeyStore> store;
  base::Bytes sealing_key;
};

// The key file is made at the first use, with mode 0600; one that others may read is refused. An empty `key_file` is
// access_keys.key in the data directory, which must exist.
base::Result<AccessKeys> open_access_keys(const std::string& data_dir, const std::string& key_file,
                                          base::Random& random);

}  // namespace app
