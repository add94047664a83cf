// SPDX-License-Identifier: Apache-2.0
#include "async/thread_time.hpp"

#include <ctime>

namespace async {

base::Duration thread_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace async
