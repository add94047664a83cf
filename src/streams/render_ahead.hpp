// SPDX-License-Identifier: Apache-2.0
#pragma once
// Renders what live readers will ask for next, as soon as it is committed.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "async/task.hpp"
#include "base/time.hpp"
#include "streams/playback.hpp"
#include "streams/segment_cache.hpp"

namespace streams {

// Any thread; owned by the process, outlives the shards' tasks. One task a stream, on the shard whose reader came
// first.
class RenderAhead {
 public:
  // Makes the segment, unless the cache has it. What fails here the reader is told when it asks.
  using Render = std::function<async::Task<void>(FragmentLogPtr, StoredFragment, SegmentKind)>;
  explicit RenderAhead(Render render) : render_(std::move(render)) {}

  // A reader of the stream's live end wants segments of these kinds. On a shard. Streams past the limit are rendered
  // when they are read.
  void ask(const FragmentLogPtr& log, const std::set<SegmentKind>& kinds, base::Instant now);

  static constexpr auto kInterest = std::chrono::seconds(15);  // after the last reader asked
  static constexpr std::size_t kMostStreams = 1024;

 private:
  struct Interest {
    base::Instant asked{};
    std::set<SegmentKind> kinds;
  };
  // What comes after `last`.
  async::Task<void> follow(FragmentLogPtr log, FragmentNumber last);
  // The kinds wanted of the stream; none when it is gone or nobody has asked for a while, and then it is forgotten.
  std::set<SegmentKind> find_kinds(const FragmentLog& log);

  const Render render_;
  std::mutex mutex_;
  std::map<StreamKey, Interest> streams_;
};

}  // namespace streams
