// SPDX-License-Identifier: Apache-2.0
#pragma once
// Secrets at rest: AES-256-GCM under a key that is not in the database, bound to whose secret it is.

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/random.hpp"

namespace store {

inline constexpr std::size_t kSealingKeySize = 32;

// base64url of a nonce of 12 bytes, the ciphertext and a tag of 16. `owner` (an access key id) is authenticated, so
// that one row's secret cannot be put into another. The key has kSealingKeySize bytes.
std::string seal_secret(std::string_view secret, std::string_view owner, base::ByteView key, base::Random& random);
// Nothing if it was not sealed with this key for this owner.
std::optional<std::string> open_secret(std::string_view sealed, std::string_view owner, base::ByteView key);

}  // namespace store
