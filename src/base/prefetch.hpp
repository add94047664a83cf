// SPDX-License-Identifier: Apache-2.0
#pragma once
// Memory into the processor's cache ahead of its use, for who is about to visit many objects in turn: each finds its
// own memory cold, and waits for one line after the other unless they were asked for together.

#include <cstddef>
#include <cstdint>

namespace base {

inline constexpr std::size_t kCacheLine = 64;

// The lines from `from` to `from` + `bytes`, which need not be an object's.
inline void prefetch(const void* from, std::size_t bytes = 1) {
  const auto* const begin = static_cast<const std::uint8_t*>(from);
  const std::uint8_t* line = begin - reinterpret_cast<std::uintptr_t>(begin) % kCacheLine;
  for (; line < begin + bytes; line += kCacheLine) __builtin_prefetch(line);
}

// Of one object, from `begin` to `end`, which is not looked at itself.
inline void prefetch_between(const void* begin, const void* end) {
  prefetch(begin,
           static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - static_cast<const std::uint8_t*>(begin)));
}

}  // namespace base
