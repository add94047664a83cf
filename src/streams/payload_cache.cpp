// SPDX-License-Identifier: Apache-2.0
#include "streams/payload_cache.hpp"

namespace streams {

void PayloadCache::put(const StoredFragment& fragment, Payload payload) {
  if (payload->size() > capacity_) return;
  const Key key{fragment.place.volume, fragment.place.offset};
  const std::lock_guard lock(mutex_);
  if (places_.contains(key)) return;
  bytes_ += payload->size();
  entries_.push_front({key, std::move(payload)});
  places_[key] = entries_.begin();
  while (bytes_ > capacity_) {
    bytes_ -= entries_.back().payload->size();
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

Payload PayloadCache::find(const StoredFragment& fragment) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find({fragment.place.volume, fragment.place.offset});
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->payload;
}

}  // namespace streams
