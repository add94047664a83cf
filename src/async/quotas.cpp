// SPDX-License-Identifier: Apache-2.0
#include "async/quotas.hpp"

#include <utility>

namespace async {

base::TokenBucket* RateQuotas::find_or_make(const std::string& key, base::Instant now) {
  const auto known = buckets_.find(key);
  if (known != buckets_.end()) return &known->second;
  if (buckets_.size() >= kMaxKeys) std::erase_if(buckets_, [&](const auto& each) { return each.second.is_full(now); });
  return buckets_.size() >= kMaxKeys ? nullptr : &buckets_[key];
}

bool RateQuotas::take(const std::string& key, std::uint64_t per_second, base::Instant now, std::uint64_t cost) {
  if (per_second == 0) return true;
  const std::lock_guard lock(mutex_);
  base::TokenBucket* bucket = find_or_make(key, now);
  return bucket != nullptr && bucket->take(now, per_second, cost);
}

base::Duration RateQuotas::reserve(const std::string& key, std::uint64_t per_second, std::uint64_t cost,
                                   base::Instant now) {
  if (per_second == 0) return base::Duration::zero();
  const std::lock_guard lock(mutex_);
  base::TokenBucket* bucket = find_or_make(key, now);
  return bucket == nullptr ? base::Duration(std::chrono::seconds(1)) : bucket->reserve(now, per_second, cost);
}

ConnectionQuotas::Slot::Slot(Slot&& other) noexcept
    : quotas_(std::exchange(other.quotas_, nullptr)), key_(std::move(other.key_)), holder_(std::move(other.holder_)) {}

ConnectionQuotas::Slot& ConnectionQuotas::Slot::operator=(Slot&& other) noexcept {
  std::swap(quotas_, other.quotas_);
  std::swap(key_, other.key_);
  std::swap(holder_, other.holder_);
  return *this;
}

ConnectionQuotas::Slot::~Slot() {
  if (quotas_ != nullptr) quotas_->give_back(key_, holder_);
}

std::optional<ConnectionQuotas::Slot> ConnectionQuotas::take(const std::string& key, const std::string& holder,
                                                             std::uint64_t most) {
  const std::lock_guard lock(mutex_);
  const auto known = holders_.find(key);
  if (known != holders_.end() && !known->second.contains(holder) && known->second.size() >= most) return std::nullopt;
  ++holders_[key][holder];
  return std::optional<Slot>(std::in_place, *this, key, holder);
}

void ConnectionQuotas::give_back(const std::string& key, const std::string& holder) {
  const std::lock_guard lock(mutex_);
  const auto known = holders_.find(key);
  const auto mine = known->second.find(holder);
  if (--mine->second == 0) known->second.erase(mine);
  if (known->second.empty()) holders_.erase(known);
}

}  // namespace async
