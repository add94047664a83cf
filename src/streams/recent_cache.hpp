// SPDX-License-Identifier: Apache-2.0
#pragma once
// What was used last, up to so many bytes.

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <utility>

namespace streams {

// Any thread. Least recently used goes first; never holds more than its capacity. `Value` is a shared pointer; null
// stands for what is not here.
template <class Key, class Value>
class RecentCache {
 public:
  explicit RecentCache(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  // What is larger than the whole cache, or here already, is not put. `size` in bytes.
  void put(const Key& key, Value value, std::size_t size) {
    if (size > capacity_) return;
    const std::lock_guard lock(mutex_);
    if (places_.contains(key)) return;
    bytes_ += size;
    entries_.push_front({key, std::move(value), size});
    places_[key] = entries_.begin();
    while (bytes_ > capacity_) {
      bytes_ -= entries_.back().size;
      places_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }

  Value find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto place = places_.find(key);
    if (place == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, place->second);
    return place->second->value;
  }

  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  struct Entry {
    Key key;
    Value value;
    std::size_t size = 0;
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the most recently used first
  std::map<Key, typename std::list<Entry>::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace streams
