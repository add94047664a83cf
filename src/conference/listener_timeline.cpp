// SPDX-License-Identifier: Apache-2.0
#include "conference/listener_timeline.hpp"

#include <algorithm>

namespace conference {
namespace {

// The mix begins later than forwarding would have gone on, by its queue.
constexpr std::int64_t kMaxDelay = 9600;

std::int64_t to_samples(base::Duration duration) {
  return duration.count() * 48 / 1'000'000;
}

}  // namespace

void ListenerTimeline::attach(base::Instant now, std::uint64_t source, std::int64_t time) {
  std::int64_t begin = next_;
  if (sent_) {
    const std::int64_t elapsed = last_ + to_samples(now - *sent_);
    if (elapsed > next_ + kMaxDelay) begin = elapsed;
  }
  source_ = source;
  offset_ = begin - time;
}

ListenerTimeline::Stamp ListenerTimeline::place(base::Instant now, std::uint64_t source, std::int64_t time,
                                                std::int64_t duration) {
  if (source_ != source) attach(now, source, time);
  const std::int64_t begin = std::max(next_, time + offset_);
  const bool after_pause = !sent_ || begin > next_;
  next_ = begin + duration;
  last_ = begin;
  sent_ = now;
  return {static_cast<std::uint32_t>(begin), after_pause};
}

}  // namespace conference
