// SPDX-License-Identifier: Apache-2.0
#include "streams/hls_playlists.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace streams {

bool is_discontinuity(DiscontinuityMode mode, const LivePlace* before, const StoredFragment& fragment) {
  if (mode == DiscontinuityMode::Always) return true;
  if (!before) return false;
  if (before->codec_fingerprint != fragment.header.codec_fingerprint) return true;
  if (mode == DiscontinuityMode::Never) return false;
  return !joins(before->pictures_end, fragment);
}

namespace {

// Live presentations are on the wall clock; the others are as long as what they show.
MediaPeriod find_period(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment) {
  if (before != nullptr && !is_discontinuity(DiscontinuityMode::OnDiscontinuity, before, fragment)) {
    return before->period;
  }
  MediaPeriod period{fragment.header.number, pictures_start(fragment), {}};
  if (before != nullptr) period.start = before->presented();
  if (session.mode == PlaybackMode::Live) {
    period.start = std::max<std::chrono::microseconds>(period.start, fragment.header.server_time - session.origin);
  }
  return period;
}

}  // namespace

bool has_gap_segment(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment) {
  return session.low_latency && before != nullptr && fragment.header.gap_before &&
         is_lost(fragment.header.gap_before->reason);
}

LivePlace count_fragment(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment) {
  const bool gap = has_gap_segment(session, before, fragment);
  LivePlace place;
  place.number = fragment.header.number;
  place.segments = (before ? before->segments : 0) + (gap ? 2 : 1);
  place.discontinuities = (before ? before->discontinuities : 0) +
                          (is_discontinuity(session.discontinuities, before, fragment) ? 1 : 0) +
                          (gap && session.discontinuities == DiscontinuityMode::Always ? 1 : 0);
  place.pictures_end = pictures_end(fragment);
  place.played = (before ? before->played : std::chrono::microseconds::zero()) + fragment.header.duration;
  place.longest = std::max(before ? before->longest : std::chrono::microseconds::zero(), fragment.header.duration);
  place.codec_fingerprint = fragment.header.codec_fingerprint;
  if (before != nullptr) {
    place.codec_changes = before->codec_changes + (before->codec_fingerprint != place.codec_fingerprint ? 1 : 0);
  }
  place.period = find_period(session, before, fragment);
  return place;
}

namespace {

std::chrono::microseconds to_length(const AacUnits& units) {
  return std::chrono::microseconds(units.count * kAacFrameSamples * 125 / 6);
}

bool is_rendered(const StoredFragment& fragment, PlaybackTrack track) {
  return track == PlaybackTrack::Audio && (fragment.header.flags & kProducerDocument) == 0;
}

// The sound before the first picture of fragments that join is left out of its segment: some players let all tracks of
// a playlist begin together, others find a hole in their buffer.
SoundEdges edges_of(const SegmentAddress& address, const JoinedFragment& joined) {
  if (address.track == PlaybackTrack::Video && !address.mpeg_ts) return {};
  const bool is_producers = (joined.fragment.header.flags & kProducerDocument) != 0;
  return is_producers ? SoundEdges{.from_picture = joined.is_first} : joined.edges;
}

}  // namespace

std::string make_playlist_uri(const std::string& token, PlaybackTrack track, std::string_view directives) {
  return fmt::format("getHLSMediaPlaylist.m3u8?SessionToken={}&TrackNumber={}{}", token, static_cast<int>(track),
                     directives);
}

std::string make_part_uri(const SegmentAddress& address, FragmentNumber number, std::size_t part) {
  return fmt::format("getMP4Part.mp4?FragmentNumber={}&Part={}&SessionToken={}&TrackNumber={}", number.text(), part,
                     address.token, static_cast<int>(address.track));
}

JoinedFragment join_fragment(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment,
                             const StoredFragment* next) {
  const LivePlace place = count_fragment(session, before, fragment);
  JoinedFragment joined{
      .fragment = fragment,
      .is_first = place.period.first == fragment.header.number,
      .next = next,
      .joins_next = next != nullptr && !is_discontinuity(DiscontinuityMode::OnDiscontinuity, &place, *next)};
  // Parts of low latency are together what their segment is. And what a growing playlist has shown may not change when
  // it turns out that nothing joins.
  const bool is_final = session.mode == PlaybackMode::OnDemand;
  joined.edges.from_picture = !session.low_latency && (before == nullptr || !joins(before->pictures_end, fragment));
  joined.edges.to_picture = is_final && (next == nullptr || !joins(place.pictures_end, *next));
  return joined;
}

std::string make_segment_uri(const SegmentAddress& address, const JoinedFragment& joined) {
  const std::string number = joined.fragment.header.number.text();
  const SoundEdges edges = edges_of(address, joined);
  std::string uri = address.mpeg_ts ? "getTSFragment.ts?" : "getMP4MediaFragment.mp4?";
  uri += fmt::format("FragmentNumber={}&SessionToken={}", number, address.token);
  if (!address.mpeg_ts) uri += fmt::format("&TrackNumber={}", static_cast<int>(address.track));
  if (edges.from_picture) uri += "&From=Picture";
  if (edges.to_picture) uri += "&To=Picture";
  return uri;
}

std::string make_init_uri(const SegmentAddress& address, const TrackInit& init) {
  std::string uri = fmt::format("getMP4InitFragment.mp4?SessionToken={}&TrackNumber={}", address.token,
                                static_cast<int>(address.track));
  if (!init.codec.empty()) {
    uri += fmt::format("&Codec={}&PixelWidth={}&PixelHeight={}", init.codec, init.width, init.height);
  }
  if (init.codec_private) uri += "&CodecPrivate=" + *init.codec_private;
  return uri;
}

std::chrono::microseconds segment_offset(const StoredFragment& fragment, PlaybackTrack track) {
  if (track == PlaybackTrack::Video) return fragment.header.pictures_after;
  if (!is_rendered(fragment, track)) return fragment.header.sound_after;
  const base::WallTime start = fragment.header.producer_time;
  const std::int64_t samples = find_aac_units(start, start).first_sample() - to_timeline_sample(start);
  return std::chrono::microseconds(samples * 125 / 6);
}

std::chrono::microseconds segment_duration(const StoredFragment& fragment, PlaybackTrack track) {
  if (track == PlaybackTrack::Audio && !is_rendered(fragment, track))
    return sound_end(fragment) - sound_start(fragment);
  if (track == PlaybackTrack::Video) return fragment.header.duration;
  return to_length(find_aac_units(fragment.header.producer_time, producer_end(fragment)));
}

std::chrono::microseconds joined_duration(const JoinedFragment& joined, PlaybackTrack track) {
  const StoredFragment& fragment = joined.fragment;
  if (track == PlaybackTrack::Video) return segment_duration(fragment, track);
  if (is_rendered(fragment, track)) {
    return to_length(find_edged_units(fragment.header.producer_time, producer_end(fragment), joined.edges));
  }
  const base::WallTime from = joined.is_first ? pictures_start(fragment) : sound_start(fragment);
  base::WallTime to = joined.next == nullptr ? sound_end(fragment) : pictures_end(fragment);
  if (joined.joins_next) to = sound_start(*joined.next);
  return std::max<std::chrono::microseconds>(to - from, std::chrono::milliseconds(1));
}

}  // namespace streams
