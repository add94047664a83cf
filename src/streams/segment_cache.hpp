// SPDX-License-Identifier: Apache-2.0
#pragma once
// Finished segments, so that many players of one stream cost one rendering and no copy.

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "streams/fragment.hpp"

namespace streams {

enum class SegmentKind : std::uint8_t { Mp4Video = 1, Mp4Audio = 2, TsOfVideo = 4, TsOfAudio = 5, TsOfBoth = 6 };

// Any thread. Least recently used goes first; never holds more than its capacity. Whoever asks has made sure that the
// fragment still exists.
class SegmentCache {
 public:
  using Key = std::tuple<StreamKey, FragmentNumber, SegmentKind>;
  using Segment = std::shared_ptr<const std::string>;

  explicit SegmentCache(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  void put(const Key& key, Segment segment) {
    if (segment->size() > capacity_) return;
    const std::lock_guard lock(mutex_);
    if (places_.contains(key)) return;
    bytes_ += segment->size();
    entries_.push_front({key, std::move(segment)});
    places_[key] = entries_.begin();
    while (bytes_ > capacity_) {
      bytes_ -= entries_.back().segment->size();
      places_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }

  Segment find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto place = places_.find(key);
    if (place == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, place->second);
    return place->second->segment;
  }

 private:
  struct Entry {
    Key key;
    Segment segment;
  };

  const std::size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the most recently used first
  std::map<Key, std::list<Entry>::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace streams
