// SPDX-License-Identifier: Apache-2.0
#pragma once
// What may be done to access keys, by the command line and by a server's own API alike.

#include <map>
#include <string>

#include "app/access_keys.hpp"
#include "base/time.hpp"

namespace app {

inline constexpr std::size_t kMostKeys = 100'000;

struct NewAccessKey {
  std::string id;
  std::string secret;  // nobody can be told it again
  std::string name;
};

// "AKIA" or "ASIA" and sixteen letters and digits.
std::string make_key_id(const char* prefix, base::Random& random);
// So many random bytes in base64url.
std::string make_key_secret(std::size_t bytes, base::Random& random);

// An empty `name` is the key's id; policies are documents by name. InvalidArgument names what is wrong with a name or a
// policy, LimitExceeded what there is too much of. Blocks.
base::Result<NewAccessKey> make_access_key(AccessKeys& keys, const std::string& name,
                                           const std::map<std::string, std::string>& policies, base::WallTime now,
                                           base::Random& random);
// Replaces the policy of that name. As above, and NotFound if there is no such key. Blocks.
base::Result<void> attach_policy(AccessKeys& keys, const std::string& id, const std::string& name,
                                 const std::string& document);

}  // namespace app
