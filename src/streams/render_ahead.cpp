// SPDX-License-Identifier: Apache-2.0
#include "streams/render_ahead.hpp"

#include "async/shard.hpp"

namespace streams {

using async::Task;

void RenderAhead::ask(const FragmentLogPtr& log, const std::set<SegmentKind>& kinds, base::Instant now) {
  const std::lock_guard lock(mutex_);
  const auto known = streams_.find(log->stream());
  if (known != streams_.end()) {
    known->second.asked = now;
    known->second.kinds.insert(kinds.begin(), kinds.end());
    return;
  }
  async::Shard* shard = async::Shard::current();
  if (shard == nullptr || streams_.size() >= kMostStreams) return;
  streams_[log->stream()] = {now, kinds};
  const std::optional<StoredFragment> newest = log->last();
  const FragmentNumber last = newest ? newest->header.number : FragmentNumber{};
  shard->spawn("rendering ahead", [this, log, last] { return follow(log, last); });
}

std::set<SegmentKind> RenderAhead::find_kinds(const FragmentLog& log) {
  const std::lock_guard lock(mutex_);
  const auto known = streams_.find(log.stream());
  if (known == streams_.end()) return {};
  if (!log.deleted() && async::now() - known->second.asked <= kInterest) return known->second.kinds;
  streams_.erase(known);
  return {};
}

Task<void> RenderAhead::follow(FragmentLogPtr log, FragmentNumber last) {
  for (;;) {
    const std::optional<StoredFragment> next = co_await log->wait_after(last, kInterest);
    const std::set<SegmentKind> kinds = find_kinds(*log);
    if (kinds.empty()) co_return;
    if (!next) continue;
    last = next->header.number;
    for (const SegmentKind kind : kinds) co_await render_(log, *next, kind);
  }
}

}  // namespace streams
