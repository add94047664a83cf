// SPDX-License-Identifier: Apache-2.0
#pragma once
// Buffers that go round instead of being allocated anew.

#include <cstddef>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace base {

// One thread. What comes back last goes out first, while it is still in the processor's caches. Holds at most kMost
// buffers of at most kMostBytes each; the others are freed.
class BufferPool {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostBytes = 128U << 10U;
  static constexpr std::size_t kWorthFreeing = 8U << 10U;

  // Empty, with whatever room it had.
  Bytes take() {
    if (spare_.empty()) return {};
    Bytes buffer = std::move(spare_.back());
    spare_.pop_back();
    buffer.clear();
    return buffer;
  }
  // One that has room for a key frame and held much less is freed: else each would have such room in the end.
  void give(Bytes buffer) {
    if (buffer.capacity() == 0 || buffer.capacity() > kMostBytes || spare_.size() >= kMost) return;
    if (buffer.capacity() > kWorthFreeing && buffer.capacity() > 8 * buffer.size()) return;
    spare_.push_back(std::move(buffer));
  }

 private:
  std::vector<Bytes> spare_;
};

}  // namespace base
