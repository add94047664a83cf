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

inline constexpr const char* kPlaylistType = "application/vnd.apple.mpegurl";

// EXT-X-DISCONTINUITY before `fragment`, which follows `before` (null: it is the session's first)? A new codec private
// data is one in every mode: the decoder starts anew.
bool is_discontinuity(DiscontinuityMode mode, const LivePlace* before, const StoredFragment& fragment);

// Low-latency playlists show a segment that is a gap before `fragment`, which is not the session's first: its parts may
// have been shown before it was lost.
bool has_gap_segment(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment);

// The place after counting `fragment`.
LivePlace count_fragment(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment);

// What a segment's address needs besides the fragment.
struct SegmentAddress {
  std::string token;
  PlaybackTrack track = PlaybackTrack::Video;
  bool mpeg_ts = false;  // one segment holds all tracks
};
std::string make_playlist_uri(const std::string& token, PlaybackTrack track, std::string_view directives = {});
std::string make_part_uri(const SegmentAddress& address, FragmentNumber number, std::size_t part);
// A fragment among those that it joins.
struct JoinedFragment {
  const StoredFragment& fragment;
  bool is_first = false;                 // it does not join the one before
  const StoredFragment* next = nullptr;  // null: none is known yet
  bool joins_next = false;
  SoundEdges edges{};  // of its rendered sound
};
// `before`: the place before counting the fragment, null when it is the session's first.
JoinedFragment join_fragment(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment,
                             const StoredFragment* next);
std::string make_segment_uri(const SegmentAddress& address, const JoinedFragment& joined);
// The codec private data travels in the address: the same data has the same address in every playlist of the session,
// and no state is needed to answer it.
std::string make_init_uri(const SegmentAddress& address, const TrackInit& init);

// Where the segment of this track begins, after the fragment: rendered sound begins a little earlier, a producer's
// tracks where its frames do.
std::chrono::microseconds segment_offset(const StoredFragment& fragment, PlaybackTrack track);
// How long the fragment's segment of this track lasts; zero when it holds no unit of sound.
std::chrono::microseconds segment_duration(const StoredFragment& fragment, PlaybackTrack track);

// The same for a producer's sound: what a muxer had to write before a key frame is in the next cluster, also the sound
// of the last pictures. Together, segments of sound that join are as long as the pictures beside them: players add up.
std::chrono::microseconds joined_duration(const JoinedFragment& joined, PlaybackTrack track);

}  // namespace streams
