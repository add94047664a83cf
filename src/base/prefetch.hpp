// SPDX-License-Identifier: Apache-2.0
#pragma once
// Memory into the processor's cache ahead of its use, for who is about to visit many objects in turn: each finds its
// own memory cold, and waits for one line after the other unless they were asked for together.

#include <cstddef>
#include <cstdint>

namespace base {

// The lines from `from` to `from` + `bytes`, which need not be an object's.
inline void prefetch(const void* from, std::size_t bytes = 1) {
  constexpr std::uintptr_t kLine = 64;
  const auto begin = reinterpret_cast<std::uintptr_t>(from);
  for (std::uintptr_t line = begin & ~(kLine - 1); line < begin + bytes; line += kLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(line));
  }
}

}  // namespace base
