// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bytes of recent fragments, so that live readers do not go to the disk.

#include <cstdint>
#include <utility>

#include "streams/fragment.hpp"
#include "streams/recent_cache.hpp"

namespace streams {

// Any thread.
class PayloadCache {
 public:
  explicit PayloadCache(std::size_t capacity_bytes) : recent_(capacity_bytes) {}

  void put(const StoredFragment& fragment, Payload payload) {
    const std::size_t size = payload->capacity() + kEntryBytes;
    recent_.put(key_of(fragment), std::move(payload), size);
  }
  Payload find(const StoredFragment& fragment) { return recent_.find(key_of(fragment)); }  // null if it is not here

 private:
  static constexpr std::size_t kEntryBytes = 256;  // what is around a payload, about

  using Key = std::pair<std::uint64_t, std::uint64_t>;  // volume, offset
  static Key key_of(const StoredFragment& fragment) { return {fragment.place.volume, fragment.place.offset}; }

  RecentCache<Key, Payload> recent_;
};

}  // namespace streams
