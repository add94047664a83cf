// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parts of fragments, stored or at the live edge, and when a blocking reload is answered (rfc8216bis 6.2.5.2).

#include <optional>
#include <string>
#include <vector>

#include "container/hls_playlist.hpp"
#include "streams/parts.hpp"
#include "streams/streaming_sessions.hpp"

namespace streams {

// A fragment as far as it is there. The pictures point into what it was made of.
struct CutFragment {
  std::vector<PartPicture> pictures{};
  std::optional<base::WallTime> end{};
  std::vector<PicturePart> picture_parts{};
  std::vector<SoundPart> sound_parts{};
  bool complete = false;  // no more parts will come

  std::size_t count(PlaybackTrack track) const {
    return track == PlaybackTrack::Audio ? sound_parts.size() : picture_parts.size();
  }
  container::HlsPart describe(PlaybackTrack track, std::size_t part) const;  // without its address
};
// Only the parts of `track`. A producer's document has none: it is whole when it comes.
CutFragment cut_stored(const OpenedFragment& opened, PlaybackTrack track, std::chrono::microseconds target);
CutFragment cut_live(const LiveFragment& fragment, base::WallTime sound_until, PlaybackTrack track,
                     std::chrono::microseconds target);

// From one picture to the next on the average; a 25th of a second without pictures.
std::chrono::microseconds picture_interval_of(const OpenedFragment& opened);
// What a playlist's address says of low latency, to be repeated in addresses: "&LowLatency=true", or nothing.
std::string directives_of(const SessionFetch& fetch);

// What is at the live edge, for one track: a fragment that is whole and waits for its commit is a segment already, and
// one more is shown by its parts.
struct LiveTrack {
  std::optional<CutFragment> whole{};
  std::optional<CutFragment> open{};
  const LiveFragment* open_fragment = nullptr;
};
LiveTrack cut_edge(const std::vector<LiveFragment>& live, base::WallTime sound_until, PlaybackTrack track,
                   std::chrono::microseconds target);
// As it will be stored.
StoredFragment to_stored(const LiveFragment& fragment);

enum class Reload : std::uint8_t { Answer, Wait, TooFar };

// What a media playlist has at its end.
struct PlaylistEnd {
  std::uint64_t last_msn = 0;  // of a whole segment
  std::size_t last_parts = 0;  // that it has
  std::size_t next_parts = 0;  // of the segment after it
  std::chrono::microseconds part_target{};
};
Reload judge_reload(const ReloadDirectives& wanted, const PlaylistEnd& end);

}  // namespace streams
