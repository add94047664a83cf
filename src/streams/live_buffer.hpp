// SPDX-License-Identifier: Apache-2.0
#pragma once
// The newest fragments of a stream without retention: in memory only, for five minutes or 200 MB (contract 1.2).

#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

#include "streams/fragment.hpp"

namespace streams {

// Not thread-safe: the StreamLog's mutex guards it. The oldest go first when a bound is passed.
class LiveBuffer {
 public:
  static constexpr std::chrono::microseconds kMaxAge = std::chrono::minutes(5);
  static constexpr std::uint64_t kMaxBytes = 200'000'000;

  // In number order.
  void push(const StoredFragment& fragment, Payload payload) {
    bytes_ += payload->size();
    entries_.push_back({fragment, std::move(payload)});
    while (bytes_ > kMaxBytes) pop();
  }
  void forget_before(base::WallTime time) {
    while (!entries_.empty() && entries_.front().fragment.header.server_time < time) pop();
  }
  void clear() {
    entries_.clear();
    bytes_ = 0;
  }

  bool empty() const { return entries_.empty(); }
  std::uint64_t bytes() const { return bytes_; }
  // Null if it is not here any more.
  Payload find(FragmentNumber number) const {
    for (const Entry& entry : entries_) {
      if (entry.fragment.header.number == number) return entry.payload;
    }
    return nullptr;
  }
  std::vector<StoredFragment> fragments() const {
    std::vector<StoredFragment> all;
    all.reserve(entries_.size());
    for (const Entry& entry : entries_) all.push_back(entry.fragment);
    return all;
  }

 private:
  struct Entry {
    StoredFragment fragment;
    Payload payload;
  };
  void pop() {
    bytes_ -= entries_.front().payload->size();
    entries_.pop_front();
  }

  std::deque<Entry> entries_;
  std::uint64_t bytes_ = 0;
};

}  // namespace streams
