// SPDX-License-Identifier: Apache-2.0
#pragma once
// Randomness from the kernel: keys, ICE credentials, tokens.

#include "base/random.hpp"

namespace async {

// No state: one per user or one for all, any thread.
class SecureRandom final : public base::Random {
 public:
  void fill(base::MutableByteView out) override;
};

}  // namespace async
