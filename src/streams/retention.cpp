// SPDX-License-Identifier: Apache-2.0
// What expires: by age, by a stream's limit, by the floor of the whole store, by deletion.
#include "streams/retention.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace streams {
namespace {

constexpr std::size_t kBatch = 1000;  // rows of one transaction: recordings wait no longer than that for the index

}  // namespace

FragmentNumber first_kept(const RetentionPolicy& policy, base::WallTime now) {
  if (policy.hours == kKeepForEver) return {};
  if (policy.hours == 0) return {UINT64_MAX};
  return {static_cast<std::uint64_t>(
      std::max<std::int64_t>(base::to_microseconds(now - std::chrono::hours(policy.hours)), 0))};
}

Retention::Retention(RetentionOptions options, store::VolumeStore& volumes, store::FragmentIndex& index,
                     IndexWriter& index_writer, Bury bury)
    : options_(std::move(options)),
      volumes_(volumes),
      index_(index),
      index_writer_(index_writer),
      bury_(std::move(bury)) {}

Retention::~Retention() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

base::Result<void> Retention::start() {
  TRY(const auto uses, index_.volume_uses());
  for (const store::VolumeUse& use : uses) {
    if (use.fragments - use.live > use.hollow) fading_[use.volume] = options_.wall_clock();
  }
  TRY(const auto buried, index_.buried_streams());
  for (const store::BuriedStream& each : buried) buried_[each.tombstone.stream] = each.tombstone.through;
  if (options_.interval.count() > 0) thread_ = std::thread([this] { run(); });
  return {};
}

void Retention::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, options_.interval, [this] { return stopping_; });
    if (stopping_) return;
    lock.unlock();
    const auto done = sweep();
    lock.lock();
    if (done) continue;
    if (stats_.failures++ == 0) base::log_error("expired recordings cannot be removed yet: {}", done.error().message);
  }
}

void Retention::set_policy(StreamKey stream, RetentionPolicy policy) {
  const std::lock_guard lock(mutex_);
  auto& entry = policies_[stream];
  due_.erase({entry.due, stream});
  entry = {policy, options_.wall_clock()};
  due_.insert({entry.due, stream});
}

void Retention::handle_buried(const store::Tombstone& tombstone) {
  const std::lock_guard lock(mutex_);
  FragmentNumber& through = buried_[tombstone.stream];
  through = std::max(through, tombstone.through);
}

void Retention::forget_stream(StreamKey stream) {
  const std::lock_guard lock(mutex_);
  const auto entry = policies_.find(stream);
  if (entry == policies_.end()) return;
  due_.erase({entry->second.due, stream});
  policies_.erase(entry);
}

base::Result<void> Retention::sweep() {
  const std::lock_guard lock(sweeping_);
  const base::WallTime now = options_.wall_clock();
  if (options_.prune_live_buffers) options_.prune_live_buffers();
  let_derived_give_way();
  TRY_VOID(remove_buried());
  TRY_VOID(expire_due(now));
  TRY_VOID(enforce_limits());
  TRY_VOID(enforce_floor());
  TRY_VOID(remove_buried());
  return reclaim(now);
}

// First of all: on a full disk nothing below works.
void Retention::let_derived_give_way() {
  if (!options_.make_room) return;
  if (!volumes_.health().writable) return options_.make_room(UINT64_MAX);
  if (options_.free_space_floor == 0) return;
  const auto free = volumes_.free_bytes();
  if (free && *free < options_.free_space_floor) options_.make_room(options_.free_space_floor - *free);
}

base::Result<void> Retention::remove_buried() {
  std::map<StreamKey, FragmentNumber> buried;
  {
    const std::lock_guard lock(mutex_);
    buried.swap(buried_);
  }
  while (!buried.empty()) {
    const auto [stream, through] = *buried.begin();
    const auto done = remove_rows(stream, through, std::chrono::microseconds::zero());
    if (!done) {
      for (const auto& [left, number] : buried) handle_buried({left, number});
      return done;
    }
    buried.erase(buried.begin());
  }
  return {};
}

// A stream is looked at when its oldest fragment is past its time, and otherwise left alone.
base::Result<void> Retention::expire_due(base::WallTime now) {
  while (true) {
    StreamKey stream;
    RetentionPolicy policy;
    {
      const std::lock_guard lock(mutex_);
      if (due_.empty() || due_.begin()->first > now) return {};
      stream = due_.begin()->second;
      policy = policies_[stream].policy;
    }
    base::WallTime due = base::WallTime::max();
    if (policy.hours != kKeepForEver) {
      const FragmentNumber kept = first_kept(policy, now);
      if (kept.value > 0) {
        TRY_VOID(remove_rows(stream, {kept.value - 1}, options_.fading));
      }
      TRY(const auto oldest, index_.after(stream, {}, 1));
      const base::WallTime from =
          oldest.empty() ? now : base::from_microseconds(static_cast<std::int64_t>(oldest.front().header.number.value));
      const auto pause = std::max(options_.spread, std::chrono::microseconds(1));  // or this would never end
      due = std::max(from + std::chrono::hours(policy.hours), now + pause);
    }
    const std::lock_guard lock(mutex_);
    const auto entry = policies_.find(stream);
    if (entry == policies_.end() || entry->second.policy != policy) continue;  // changed meanwhile: due at once
    due_.erase({entry->second.due, stream});
    entry->second.due = due;
    due_.insert({due, stream});
  }
}

base::Result<void> Retention::remove_rows(StreamKey stream, FragmentNumber through, std::chrono::microseconds fading) {
  if (options_.forget_derived) TRY_VOID(options_.forget_derived(stream, through));
  while (true) {
    TRY(const store::RemovedRows removed, index_.remove(stream, through, kBatch));
    const base::WallTime holes = options_.wall_clock() + fading;
    for (const std::uint64_t volume : removed.volumes) {
      const auto known = fading_.try_emplace(volume, holes).first;
      known->second = std::min(known->second, holes);
    }
    const std::lock_guard lock(mutex_);
    stats_.expired_fragments += removed.fragments;
    stats_.expired_bytes += removed.bytes;
    if (removed.complete) return {};
  }
}

base::Result<void> Retention::enforce_limits() {
  std::map<StreamKey, std::uint64_t> limits;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [stream, entry] : policies_) {
      if (entry.policy.max_bytes > 0) limits[stream] = entry.policy.max_bytes;
    }
  }
  if (limits.empty()) return {};
  TRY(const auto uses, index_.stream_uses());
  std::vector<store::Tombstone> over;
  for (const store::StreamUse& use : uses) {
    const auto limit = limits.find(use.stream);
    if (limit == limits.end() || use.bytes <= limit->second) continue;
    TRY(const auto through, number_over_limit(use.stream, use.bytes - limit->second));
    if (!through) continue;
    over.push_back({use.stream, *through});
  }
  return bury_(over);
}

// The number of the last of the oldest fragments that together have `excess` bytes.
base::Result<std::optional<FragmentNumber>> Retention::number_over_limit(StreamKey stream, std::uint64_t excess) {
  std::optional<FragmentNumber> through;
  while (true) {
    TRY(const auto oldest, index_.after(stream, through.value_or(FragmentNumber{}), kBatch));
    for (const StoredFragment& fragment : oldest) {
      through = fragment.header.number;
      if (fragment.payload_size >= excess) return through;
      excess -= fragment.payload_size;
    }
    if (oldest.size() < kBatch) return through;
  }
}

// The oldest volume goes as a whole, until there is room. Never the one that is being written: whoever else fills the
// disk must not cost the newest footage.
base::Result<void> Retention::enforce_floor() {
  if (options_.free_space_floor == 0) return {};
  while (true) {
    TRY(const std::uint64_t free, volumes_.free_bytes());
    if (free >= options_.free_space_floor) return {};
    TRY(const auto uses, index_.volume_uses());
    const std::uint64_t open = volumes_.open_volume();
    const auto oldest = std::ranges::find_if(uses, [open](const auto& use) { return use.volume != open; });
    if (oldest == uses.end() || (open == 0 && uses.size() == 1)) return {};
    base::log_info("{} bytes are free, {} should be: the oldest recordings go", free, options_.free_space_floor);
    TRY_VOID(empty_volume(oldest->volume));
    TRY_VOID(remove_buried());
    TRY_VOID(remove_volume(oldest->volume));
  }
}

base::Result<void> Retention::empty_volume(std::uint64_t volume) {
  index_writer_.flush();
  std::map<StreamKey, FragmentNumber> newest;
  TRY_VOID(volumes_.visit(volume, [&newest](const StoredFragment& fragment) -> base::Result<void> {
    FragmentNumber& number = newest[fragment.header.stream];
    number = std::max(number, fragment.header.number);
    return {};
  }));
  std::vector<store::Tombstone> gone;
  for (const auto& [stream, through] : newest) {
    TRY(const auto oldest, index_.after(stream, {}, 1));
    if (oldest.empty() || oldest.front().header.number > through) continue;
    gone.push_back({stream, through});
  }
  return bury_(gone);
}

RetentionStats Retention::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace streams
