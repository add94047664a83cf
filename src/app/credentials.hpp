// SPDX-License-Identifier: Apache-2.0
#pragma once
// The access key of a server that was not given one: made on the first start and kept in the data directory.

#include <string>

#include "base/random.hpp"
#include "base/result.hpp"

namespace app {

struct AccessKey {
  std::string id;
  std::string secret;
  bool was_created = false;  // by this call: the moment to print it, once
};

// Reads DIR/credentials, or makes it with mode 0600. The form is that of the AWS CLI's credentials file, so that
// AWS_SHARED_CREDENTIALS_FILE may point to it.
base::Result<AccessKey> ensure_access_key(const std::string& directory, base::Random& random);

}  // namespace app
