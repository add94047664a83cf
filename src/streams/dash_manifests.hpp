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
// The fragment whose segment of this track a manifest has put there. InvalidArgument when a value is no such number.
async::Task<base::Result<std::optional<StoredFragment>>> find_at_media_time(FragmentLogPtr log, MediaTimeText text,
                                                                            PlaybackTrack track);

}  // namespace streams
