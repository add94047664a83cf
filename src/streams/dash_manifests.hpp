// SPDX-License-Identifier: Apache-2.0
#pragma once
// DASH over the fragments of a streaming session (contract section 5). A new Period begins where fragments do not join
// and where the codec private data changes, so that players start their decoders anew.

#include <optional>
#include <string>

#include "streams/session_window.hpp"

namespace streams {

struct SessionView {
  StreamingSession session;
  std::string token;
  SessionWindow window;
};
// The MPD of what the window shows. Unsupported or Incomplete as find_playable_tracks() says.
async::Task<base::Result<std::string>> make_dash_manifest(Playback& playback, FragmentLogPtr log, SessionView view,
                                                          base::WallTime now);

// Values of a segment's address.
struct MediaTimeText {
  std::string time;       // of its start on the media's timeline, in ticks since 1970
  std::string timescale;  // ticks a second
};
struct MediaTime {
  std::int64_t ticks = 0;
  std::uint32_t timescale = 1;
};
// InvalidArgument when a value is no such number.
base::Result<MediaTime> parse_media_time(const MediaTimeText& text);

struct MediaSegment {
  std::optional<StoredFragment> fragment;  // none: there is no such segment
  SoundEdges edges{};
};
// The fragment whose segment of this track a manifest has put there; the time tells how its sound begins.
// InvalidArgument when a value is no such number.
async::Task<base::Result<MediaSegment>> find_at_media_time(FragmentLogPtr log, MediaTimeText text, PlaybackTrack track);

}  // namespace streams
