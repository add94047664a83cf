// SPDX-License-Identifier: Apache-2.0
#pragma once
// HTTP connections of a client that wait for their next request.

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "async/shard.hpp"
#include "base/time.hpp"
#include "net/stream.hpp"

namespace net {

// One shard; everything in it is destroyed there. A connection that has waited for kMaxIdle is not used again, and no
// more than kMaxKept of one server are kept: the one that waited longest goes.
class HttpConnections {
 public:
  static constexpr base::Duration kMaxIdle = std::chrono::seconds(4);
  static constexpr std::size_t kMaxKept = 64;

  explicit HttpConnections(async::Shard& shard) : shard_(shard) {}

  // `server` is scheme and authority. Null: none waits. The one that waited least comes first.
  std::unique_ptr<Stream> take(const std::string& server) {
    auto& kept = idle_[server];
    while (!kept.empty() && shard_.now() - kept.front().since > kMaxIdle) kept.pop_front();
    if (kept.empty()) return nullptr;
    std::unique_ptr<Stream> stream = std::move(kept.back().stream);
    kept.pop_back();
    return stream;
  }
  void keep(const std::string& server, std::unique_ptr<Stream> stream) {
    auto& kept = idle_[server];
    if (kept.size() == kMaxKept) kept.pop_front();
    kept.push_back({std::move(stream), shard_.now()});
  }

 private:
  struct Idle {
    std::unique_ptr<Stream> stream;
    base::Instant since;
  };
  async::Shard& shard_;
  std::unordered_map<std::string, std::deque<Idle>> idle_;
};

}  // namespace net
