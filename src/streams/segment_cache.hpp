// SPDX-License-Identifier: Apache-2.0
#pragma once
// Finished segments, so that many players of one stream cost one rendering and no copy.

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>

#include "streams/audio_renderer.hpp"
#include "streams/fragment.hpp"
#include "streams/recent_cache.hpp"

namespace streams {

enum class SegmentKind : std::uint8_t { Mp4Video = 1, Mp4Audio = 2, TsOfVideo = 4, TsOfAudio = 5, TsOfBoth = 6 };

using Segment = std::shared_ptr<const std::string>;
using SegmentKey = std::tuple<StreamKey, FragmentNumber, SegmentKind, SoundEdges>;
// Whoever asks has made sure that the fragment still exists.
using SegmentCache = RecentCache<SegmentKey, Segment>;

}  // namespace streams
