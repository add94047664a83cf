// SPDX-License-Identifier: Apache-2.0
#pragma once
// CHECK states an invariant of our own code. It is always on; a failure prints where and aborts.
// Input from the network, the disk or a caller of the API never reaches a CHECK: it is an error or a counter.

namespace base {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace base

#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) ::base::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
