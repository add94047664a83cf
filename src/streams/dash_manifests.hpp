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

// The fragment whose segment of this track a manifest has put at `time` (microseconds of the producer's time, as text).
// InvalidArgument when that is no number.
async::Task<base::Result<std::optional<StoredFragment>>> find_at_media_time(FragmentLogPtr log, std::string time,
                                                                            PlaybackTrack track);

}  // namespace streams
