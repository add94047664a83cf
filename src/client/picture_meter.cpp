// SPDX-License-Identifier: Apache-2.0
#include "client/picture_meter.hpp"

#include <algorithm>
#include <cmath>

namespace client {
namespace {

constexpr std::size_t kIntervals = 30;
constexpr base::Duration kLeastFreeze = std::chrono::milliseconds(150);
constexpr base::Duration kYoungest = -std::chrono::seconds(5);
constexpr base::Duration kOldest = std::chrono::seconds(60);

}  // namespace

void FreezeMeter::note_picture(base::Instant at) {
  if (last_) {
    const base::Duration interval = at - *last_;
    if (!intervals_.empty()) {
      const base::Duration mean = sum_ / static_cast<std::int64_t>(intervals_.size());
      if (interval >= std::max(3 * mean, mean + kLeastFreeze)) {
        ++freezes_;
        frozen_ += interval;
      }
    }
    intervals_.push_back(interval);
    sum_ += interval;
    if (intervals_.size() > kIntervals) {
      sum_ -= intervals_.front();
      intervals_.pop_front();
    }
  }
  last_ = at;
}

bool AgeTable::note(base::Duration age) {
  if (age < kYoungest || age > kOldest) return false;
  ++ages_[std::chrono::round<std::chrono::milliseconds>(age).count()];
  ++count_;
  return true;
}

void AgeTable::add(const AgeTable& other) {
  for (const auto& [age, count] : other.ages_) ages_[age] += count;
  count_ += other.count_;
}

std::optional<base::Duration> AgeTable::quantile(double share) const {
  if (count_ == 0) return std::nullopt;
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (const auto& [age, count] : ages_) {
    seen += count;
    if (seen >= wanted) return std::chrono::milliseconds(age);
  }
  return std::nullopt;
}

}  // namespace client
