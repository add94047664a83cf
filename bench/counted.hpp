// SPDX-License-Identifier: Apache-2.0
#pragma once
// What `./dev bench instructions` counts of a benchmark: what is done while a Counted lives. Outside of callgrind it is
// a few instructions that do nothing.

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

class Counted {
 public:
  Counted() { CALLGRIND_TOGGLE_COLLECT; }
  ~Counted() { CALLGRIND_TOGGLE_COLLECT; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
};
