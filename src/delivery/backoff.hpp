// SPDX-License-Identifier: Apache-2.0
#pragma once
// How long to wait before a failed delivery is tried again. Reads no clock.

#include <chrono>

#include "base/random.hpp"
#include "base/time.hpp"

namespace delivery {

struct BackoffOptions {
  base::Duration first = std::chrono::milliseconds(500);
  base::Duration most = std::chrono::seconds(60);
};

// Doubles with every failure up to `most`; each wait is a random part, from half to all, of that, so that streams
// that failed together do not come back together.
class Backoff {
 public:
  Backoff(BackoffOptions options, base::Random& random) : options_(options), random_(random) {}

  base::Duration next();

 private:
  BackoffOptions options_;
  base::Random& random_;
  base::Duration limit_{};  // of the wait given last; zero: none was given
};

}  // namespace delivery
