// SPDX-License-Identifier: Apache-2.0
#include "rtp/missing_packets.hpp"

#include <algorithm>
#include <utility>

namespace rtp {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kShortestPatience = milliseconds(15);
constexpr base::Duration kLongestPatience = milliseconds(80);
constexpr base::Duration kShortestPause = milliseconds(40);
constexpr base::Duration kLongestPause = milliseconds(500);
// Many at once are asked for in batches: the answers come back as a burst.
constexpr base::Duration kNextBatch = milliseconds(10);
constexpr base::Duration kLongestRoundTrip = milliseconds(1000);

}  // namespace

void MissingPackets::add(base::Instant now, std::int64_t sequence, base::Instant deadline) {
  const Entry entry{.sequence = sequence, .since = now, .deadline = deadline, .due = now + patience_};
  next_due_ = count_ == 0 ? entry.due : std::min(next_due_, entry.due);
  entries_.push_back(entry);
  ++count_;
}

void MissingPackets::add_before(base::Instant now, std::int64_t first_sequence, std::int64_t count,
                                base::Instant deadline) {
  for (Entry& entry : entries_) {
    if (std::exchange(entry.probe, false)) entry.deadline = deadline;
  }
  for (std::int64_t i = count; i-- > 0;) {
    entries_.push_front({.sequence = first_sequence + i, .since = now, .deadline = deadline, .due = now + patience_});
    ++count_;
  }
  next_due_ = std::min(next_due_, now + patience_);
}

void MissingPackets::mark_probes(std::int64_t count, base::Instant deadline) {
  for (auto entry = entries_.begin(); count > 0 && entry != entries_.end(); ++entry, --count) {
    entry->probe = true;
    entry->deadline = deadline;
  }
}

std::optional<MissingPackets::Arrival> MissingPackets::remove(base::Instant now, std::int64_t sequence) {
  const auto found = std::ranges::lower_bound(entries_, sequence, {}, &Entry::sequence);
  if (found == entries_.end() || found->sequence != sequence || found->found) return std::nullopt;
  found->found = true;
  --count_;
  const Arrival arrival{.asked_for = found->asks > 0};
  if (found->asks == 0) {
    // It was overtaken, not lost: wait a little longer than that before asking for the next.
    const base::Duration lateness = (now - found->since) * 5 / 4;
    patience_ = std::clamp(std::max(lateness, patience_ - patience_ / 64), kShortestPatience, kLongestPatience);
  }
  // An answer right after the second ask was one to the first; after that nobody knows which was answered.
  const bool answers_first = found->asks == 1 || (found->asks == 2 && now - found->asked < round_trip_ / 2);
  if (answers_first) {
    const base::Duration sample =
        std::clamp<base::Duration>(now - found->first_asked, milliseconds(1), kLongestRoundTrip);
    round_trip_ += (sample - round_trip_) / 8;
  }
  trim();
  return arrival;
}

std::optional<MissingPackets::Oldest> MissingPackets::oldest() const {
  if (entries_.empty()) return std::nullopt;
  const Entry& entry = entries_.front();  // trim() keeps the front missing
  return Oldest{entry.sequence, entry.since, entry.deadline, entry.probe};
}

void MissingPackets::pop_oldest() {
  entries_.pop_front();
  --count_;
  trim();
}

void MissingPackets::trim() {
  while (!entries_.empty() && entries_.front().found) entries_.pop_front();
}

base::Duration MissingPackets::pause_after(std::uint32_t asks) const {
  base::Duration pause = std::max<base::Duration>(kShortestPause, round_trip_ * 3 / 2);
  for (std::uint32_t i = 1; i < asks && pause < kLongestPause; ++i) pause = pause * 3 / 2;
  return std::min(pause, kLongestPause);
}

std::vector<std::uint16_t> MissingPackets::take_due(base::Instant now, std::size_t limit) {
  std::vector<std::uint16_t> due;
  if (count_ == 0 || now < next_due_) return due;
  next_due_ = base::kNever;
  for (Entry& entry : entries_) {
    if (entry.found) continue;
    if (entry.due <= now && due.size() == limit) {
      entry.due = now + kNextBatch;
    } else if (entry.due <= now) {
      due.push_back(static_cast<std::uint16_t>(entry.sequence));
      if (entry.asks++ == 0) entry.first_asked = now;
      entry.asked = now;
      entry.due = now + pause_after(entry.asks);
    }
    next_due_ = std::min(next_due_, entry.due);
  }
  return due;
}

void MissingPackets::clear() {
  entries_.clear();
  count_ = 0;
  next_due_ = base::kNever;
}

}  // namespace rtp
