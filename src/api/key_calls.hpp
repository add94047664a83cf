// SPDX-License-Identifier: Apache-2.0
#pragma once
// Access keys over our own API (docs/api.md): listed, made, revoked, and given policies.

#include <functional>
#include <string>
#include <vector>

#include "api/console_answers.hpp"
#include "api/handlers.hpp"
#include "async/disk_worker.hpp"

namespace api {

// What the calls do, on `worker`, because all of it blocks. A change is in force when its function returns. Everything
// outlives the table.
struct KeyServices {
  async::DiskWorker& worker;
  std::function<base::Result<std::vector<KeyAnswer>>()> list;
  std::function<base::Result<NewKeyAnswer>(const NewKeyInput&)> make;
  std::function<base::Result<void>(const std::string& id)> revoke;
  std::function<base::Result<void>(const KeyPolicyInput&)> attach;
  std::function<base::Result<void>(const std::string& id, const std::string& policy)> detach;
};

// GET, POST, DELETE /api/v1/keys; POST, DELETE /api/v1/keys/policies. Each needs an iam: action of its own on "*": who
// may make keys or attach policies can give himself every right.
void add_key_calls(Handlers& handlers, KeyServices services);

}  // namespace api
