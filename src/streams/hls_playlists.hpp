// SPDX-License-Identifier: Apache-2.0
#pragma once
// From fragments to the segments of a playlist: discontinuities, durations, addresses. No I/O.

#include <span>
#include <string>
#include <vector>

#include "container/hls_playlist.hpp"
#include "streams/live_counts.hpp"
#include "streams/playable_tracks.hpp"
#include "streams/streaming_sessions.hpp"

namespace streams {

// Fragments further apart than this on the producer's axis do not join (contract 5.2).
inline constexpr std::chrono::microseconds kContinuityTolerance{50'000};

// EXT-X-DISCONTINUITY before `fragment`, which follows `before` (null: it is the session's first)? A new codec private
// data is one in every mode: the decoder starts anew.
bool is_discontinuity(DiscontinuityMode mode, const LivePlace* before, const StoredFragment& fragment);

// The place after counting `fragment`.
LivePlace count_fragment(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment);

// What a segment's address needs besides the fragment.
struct SegmentAddress {
  std::string token;
  PlaybackTrack track = PlaybackTrack::Video;
};
std::string make_playlist_uri(const std::string& token, PlaybackTrack track);
std::string make_segment_uri(const SegmentAddress& address, FragmentNumber number);
std::string make_ts_uri(const std::string& token, FragmentNumber number);
// The codec private data travels in the address: the same data has the same address in every playlist of the session,
// and no state is needed to answer it.
std::string make_init_uri(const SegmentAddress& address, const TrackInit& init);

// How long the fragment's segment of this track lasts; zero when it holds no unit of sound.
std::chrono::microseconds segment_duration(const StoredFragment& fragment, PlaybackTrack track);

}  // namespace streams
