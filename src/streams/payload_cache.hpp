// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bytes of recent fragments, so that live readers do not go to the disk.

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "streams/fragment.hpp"

namespace streams {

// Any thread. Least recently used goes first; never holds more than its capacity.
class PayloadCache {
 public:
  explicit PayloadCache(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  void put(const StoredFragment& fragment, Payload payload);
  Payload find(const StoredFragment& fragment);  // null if it is not here

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // volume, offset
  struct Entry {
    Key key;
    Payload payload;
  };

  const std::size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the most recently used first
  std::map<Key, std::list<Entry>::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace streams
