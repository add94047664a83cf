// SPDX-License-Identifier: Apache-2.0
#include "client/pacer.hpp"

#include <algorithm>

#include "client/stop.hpp"

namespace client {
namespace {

using std::chrono::milliseconds;

// Enough for one to be fetched while others are; few enough that what they look at stays in the cache.
constexpr std::size_t kTogether = 16;

std::int64_t to_slot(base::Instant when) {
  return std::chrono::floor<milliseconds>(when.time_since_epoch()).count();
}

}  // namespace

Pacer::Pacer(async::Shard& shard) : timer_(shard, [this] { tick(); }), position_(to_slot(async::now())) {}

void Pacer::add(Paced& paced, base::Instant due) {
  if (entries_++ == 0) {
    position_ = to_slot(async::now());
    timer_.arm(base::Instant(milliseconds(position_ + 1)));
  }
  put({&paced, due});
}

void Pacer::remove(Paced& paced) {
  const auto is_it = [&](const Entry& entry) { return entry.paced == &paced; };
  for (auto& slot : slots_) entries_ -= std::erase_if(slot, is_it);
}

void Pacer::put(Entry entry) {
  const std::int64_t at = std::clamp(to_slot(entry.due), position_, position_ + static_cast<std::int64_t>(kSlots) - 1);
  slots_[static_cast<std::size_t>(at) % kSlots].push_back(entry);
}

// A frame of this millisecond is called in the next: never before its time.
void Pacer::tick() {
  const base::Instant now = async::now();
  const std::int64_t end = is_stopped() ? position_ + static_cast<std::int64_t>(kSlots) : to_slot(now);
  while (position_ < end) {
    due_.swap(slots_[static_cast<std::size_t>(position_++) % kSlots]);
    for (std::span<const Entry> rest = due_; !rest.empty();) {
      const auto together = rest.first(std::min(rest.size(), kTogether));
      call_together(now, together);
      rest = rest.subspan(together.size());
    }
    due_.clear();
  }
  position_ = std::max(position_, to_slot(now));
  if (entries_ > 0) timer_.arm(base::Instant(milliseconds(position_ + 1)));
}

void Pacer::call_together(base::Instant now, std::span<const Entry> entries) {
  for (int step = 0; step < Paced::kPrefetchSteps; ++step) {
    for (const Entry& entry : entries) entry.paced->prefetch(step);
  }
  for (const Entry& entry : entries) call(entry, now);
}

void Pacer::call(Entry entry, base::Instant now) {
  if (entry.due > now && !is_stopped()) return put(entry);
  ++stats_.calls;
  stats_.latest = std::max(stats_.latest, now - entry.due);
  if (now - entry.due > milliseconds(10)) ++stats_.late_10ms;
  const base::Instant next = entry.paced->send_due(now);
  if (next == base::kNever) {
    --entries_;
  } else {
    put({entry.paced, next});
  }
}

}  // namespace client
