// SPDX-License-Identifier: Apache-2.0
#pragma once
// Joins that wait for their turn: when a thousand cameras come back at once, each new session costs a handshake, and
// the sessions that go on already come first.

#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/time.hpp"

namespace sessions {

struct QueuedJoin {
  std::string arn;
  std::string client_id;  // empty: the master
  auto operator<=>(const QueuedJoin&) const = default;
};

// One per shard. Pure: the owner asks pop() until it gives nothing, and again at next_due().
class JoinQueue {
 public:
  // At most `per_second` joins are let in a second, evenly, a tenth of a second's worth at once; 0: all at once.
  explicit JoinQueue(std::uint32_t per_second) : per_second_(per_second) {}

  // What waits would take longer than this: clients give up and join again before it (contract 3.4).
  static constexpr std::chrono::seconds kLongestWait{5};

  // False when it is full: the client is to come back. A join of a client that waits already is that one.
  bool push(QueuedJoin join) {
    if (waiting_ids_.contains(join)) return true;
    if (per_second_ != 0 && waiting_.size() >= per_second_ * static_cast<std::size_t>(kLongestWait.count()))
      return false;
    waiting_ids_.insert(join);
    waiting_.push_back(std::move(join));
    return true;
  }

  // The next one whose turn has come, the longest waiting first.
  std::optional<QueuedJoin> pop(base::Instant now) {
    if (waiting_.empty() || now < next_due()) return std::nullopt;
    if (per_second_ != 0) {
      const base::Duration each = base::Duration(std::chrono::seconds(1)) / per_second_;
      paid_until_ = std::max(paid_until_, now - kBurst) + each;
    }
    QueuedJoin join = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_ids_.erase(join);
    return join;
  }

  // kNever when nothing waits.
  base::Instant next_due() const { return waiting_.empty() ? base::kNever : paid_until_; }
  std::size_t size() const { return waiting_.size(); }

 private:
  static constexpr base::Duration kBurst = std::chrono::milliseconds(100);

  std::uint32_t per_second_;
  base::Instant paid_until_{};  // turns are given up to here
  std::deque<QueuedJoin> waiting_;
  std::set<QueuedJoin> waiting_ids_;
};

}  // namespace sessions
