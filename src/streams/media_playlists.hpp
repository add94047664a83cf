// SPDX-License-Identifier: Apache-2.0
#pragma once
// The media playlists of a streaming session, from what it shows at a moment.

#include <optional>
#include <string>

#include "streams/low_latency.hpp"
#include "streams/session_window.hpp"

namespace streams {

struct PlaylistView {
  StreamingSession session;
  std::string token;
  std::string directives{};  // of a playlist's address, repeated in those of its renditions: "&LowLatency=true"
  PlaybackTrack track = PlaybackTrack::Video;
  SessionWindow window{};
  std::vector<LiveFragment> live{};  // low latency: the fragments after the window's, as far as they are there
  base::WallTime sound_until{};
  bool skip = false;  // a delta update is wanted

  std::uint64_t last_msn() const;  // of the window
  LiveTrack edge(PlaybackTrack of_track) const { return cut_edge(live, sound_until, of_track, session.part_target); }
};

// Unsupported or Incomplete as find_playable_tracks() says.
async::Task<base::Result<container::HlsMediaPlaylist>> make_media_playlist(Playback& playback, FragmentLogPtr log,
                                                                           PlaylistView view);

// The parts of a stored fragment.
async::Task<base::Result<CutFragment>> count_parts(Playback& playback, FragmentLogPtr log, StoredFragment fragment,
                                                   PlaybackTrack track, std::chrono::microseconds target);

}  // namespace streams
