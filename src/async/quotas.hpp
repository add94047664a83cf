// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all shards together may do: rates and numbers of connections, by key. Any thread.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.hpp"
#include "base/token_bucket.hpp"

namespace async {

class RateQuotas {
 public:
  // Keys in use within the last second. Past this a request on a new key is refused.
  static constexpr std::size_t kMaxKeys = 100'000;

  // As base::TokenBucket. A limit of 0 keeps nothing.
  bool take(const std::string& key, std::uint64_t per_second, base::Instant now, std::uint64_t cost = 1);
  base::Duration reserve(const std::string& key, std::uint64_t per_second, std::uint64_t cost, base::Instant now);

 private:
  base::TokenBucket* find_or_make(const std::string& key, base::Instant now);

  std::mutex mutex_;
  std::unordered_map<std::string, base::TokenBucket> buckets_;
};

// Counts the holders of a key. A holder that comes again (a viewer that reconnects before its old socket has gone)
// counts once.
class ConnectionQuotas {
 public:
  // Given back when it goes. Outlived by the quotas.
  class Slot {
   public:
    Slot(ConnectionQuotas& quotas, std::string key, std::string holder)
        : quotas_(&quotas), key_(std::move(key)), holder_(std::move(holder)) {}
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();

   private:
    ConnectionQuotas* quotas_;
    std::string key_;
    std::string holder_;
  };
  // Nothing when `most` others hold the key.
  std::optional<Slot> take(const std::string& key, const std::string& holder, std::uint64_t most);

 private:
  void give_back(const std::string& key, const std::string& holder);

  std::mutex mutex_;
  std::unordered_map<std::string, std::map<std::string, std::size_t>>
      holders_;  // by key: holders and their connections
};

}  // namespace async
