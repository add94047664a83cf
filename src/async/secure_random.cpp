// SPDX-License-Identifier: Apache-2.0
#include "async/secure_random.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/check.hpp"

namespace async {

void SecureRandom::fill(base::MutableByteView out) {
  while (!out.empty()) {
    // Up to 256 bytes are never cut short by a signal.
    const ssize_t count = getrandom(out.data(), std::min<std::size_t>(out.size(), 256), 0);
    if (count < 0 && errno == EINTR) continue;
    CHECK(count > 0);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace async
