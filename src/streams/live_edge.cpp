// SPDX-License-Identifier: Apache-2.0
#include "streams/live_edge.hpp"

#include <algorithm>

namespace streams {
namespace {

constexpr auto kSoundBefore = std::chrono::seconds(1);  // a decoder's look-back is a third of it
constexpr std::size_t kMostPackets = 20'000;            // of all participants: the oldest go

std::size_t bytes_of(const LiveFragment& fragment) {
  std::size_t bytes = 0;
  for (const LiveFrame& picture : fragment.pictures) bytes += picture.payload->size();
  return bytes;
}

}  // namespace

void LiveEdge::ask(base::Instant now) {
  if (!is_wanted(now)) since_ = now.time_since_epoch().count();
  asked_ = now.time_since_epoch().count();
}

base::Instant LiveEdge::wanted_since() const {
  return base::Instant(base::Instant::duration(since_));
}

bool LiveEdge::is_wanted(base::Instant now) const {
  const base::Instant::rep asked = asked_;
  return asked != INT64_MIN && now - base::Instant(base::Instant::duration(asked)) < kInterest;
}

std::vector<LiveFragment> LiveEdge::after(FragmentNumber number) const {
  const std::lock_guard lock(mutex_);
  std::vector<LiveFragment> found;
  for (const LiveFragment& fragment : fragments_) {
    if (fragment.header.number > number && found.size() < 2) found.push_back(fragment);
  }
  return found;
}

bool LiveEdge::is_lost() const {
  const std::lock_guard lock(mutex_);
  return lost_.has_value();
}

std::optional<LiveFragment> LiveEdge::find(FragmentNumber number) const {
  const std::lock_guard lock(mutex_);
  for (const LiveFragment& fragment : fragments_) {
    if (fragment.header.number == number) return fragment;
  }
  return std::nullopt;
}

LiveSound LiveEdge::sound() const {
  const std::lock_guard lock(mutex_);
  return {.packets = {sound_.begin(), sound_.end()}, .until = sound_until_};
}

base::WallTime LiveEdge::sound_until() const {
  const std::lock_guard lock(mutex_);
  return sound_until_;
}

bool LiveEdge::is_empty() const {
  const std::lock_guard lock(mutex_);
  return fragments_.empty();
}

std::size_t LiveEdge::count_pictures(FragmentNumber number) const {
  const std::lock_guard lock(mutex_);
  for (const LiveFragment& fragment : fragments_) {
    if (fragment.header.number == number) return fragment.pictures.size();
  }
  return 0;
}

bool LiveEdge::put(const LiveFragment& fragment) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = bytes_of(fragment);
    if (bytes_ + bytes > kMostBytes) return false;
    bytes_ += bytes;
    const FragmentNumber number = fragment.header.number;
    const auto known = std::ranges::find(fragments_, number, [](const auto& each) { return each.header.number; });
    if (known == fragments_.end()) {
      fragments_.push_back(fragment);
    } else {
      known->pictures.insert(known->pictures.end(), fragment.pictures.begin(), fragment.pictures.end());
      known->header = fragment.header;
      known->end = fragment.end;
    }
  }
  changed_.notify_all();
  return true;
}

void LiveEdge::put_sound(LiveFrame packet) {
  const std::lock_guard lock(mutex_);
  sound_.push_back(std::move(packet));
  const base::WallTime oldest =
      (fragments_.empty() ? sound_.back().time : fragments_.front().header.producer_time) - kSoundBefore;
  while (sound_.size() > kMostPackets || sound_.front().time < oldest) sound_.pop_front();
}

void LiveEdge::set_sound_until(base::WallTime time) {
  const std::lock_guard lock(mutex_);
  sound_until_ = std::max(sound_until_, time);
}

void LiveEdge::clear() {
  const std::lock_guard lock(mutex_);
  fragments_.clear();
  bytes_ = 0;
  sound_.clear();
  sound_until_ = {};
}

void LiveEdge::drop_first() {
  bytes_ -= bytes_of(fragments_.front());
  fragments_.pop_front();
}

void LiveEdge::committed(FragmentNumber number) {
  {
    const std::lock_guard lock(mutex_);
    if (lost_ && number > *lost_) lost_.reset();
    while (!fragments_.empty() && fragments_.front().header.number <= number) drop_first();
  }
  changed_.notify_all();
}

void LiveEdge::abandoned(FragmentNumber number) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::ranges::find(fragments_, number, [](const auto& each) { return each.header.number; });
    if (known != fragments_.end()) {
      lost_ = number;
      bytes_ -= bytes_of(*known);
      fragments_.erase(known);
    }
  }
  changed_.notify_all();
}

}  // namespace streams
