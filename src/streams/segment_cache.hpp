// SPDX-License-Identifier: Apache-2.0
#pragma once
// Finished segments, so that many players of one stream cost one rendering and no copy.

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>

#include "streams/fragment.hpp"
#include "streams/recent_cache.hpp"

namespace streams {

// TsOpening: TsOfBoth as the first segment of a session (Playback::ts_segment).
enum class SegmentKind : std::uint8_t {
  Mp4Video = 1,
  Mp4Audio = 2,
  TsOfVideo = 4,
  TsOfAudio = 5,
  TsOfBoth = 6,
  TsOpening = 7
};

using Segment = std::shared_ptr<const std::string>;
using SegmentKey = std::tuple<StreamKey, FragmentNumber, SegmentKind>;
// Whoever asks has made sure that the fragment still exists.
using SegmentCache = RecentCache<SegmentKey, Segment>;

}  // namespace streams
