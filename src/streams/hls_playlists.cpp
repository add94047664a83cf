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
  const auto gap = pictures_start(fragment) - before->pictures_end;
  return gap > kContinuityTolerance || gap < -kContinuityTolerance;
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
  place.period = find_period(session, before, fragment);
  return place;
}

namespace {

bool is_rendered(const StoredFragment& fragment, PlaybackTrack track) {
  return track == PlaybackTrack::Audio && (fragment.header.flags & kProducerDocument) == 0;
}

// The sound before the first picture of fragments that join is left out of its segment: some players let all tracks of
// a playlist begin together.
bool begins_with_picture(const JoinedFragment& joined, PlaybackTrack track) {
  const bool is_producers = (joined.fragment.header.flags & kProducerDocument) != 0;
  return track == PlaybackTrack::Audio && is_producers && joined.is_first;
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

JoinedFragment join_fragment(const LivePlace& place, const StoredFragment& fragment, const StoredFragment* next) {
  return {.fragment = fragment,
          .is_first = place.period.first == fragment.header.number,
          .next = next,
          .joins_next = next != nullptr && !is_discontinuity(DiscontinuityMode::OnDiscontinuity, &place, *next)};
}

std::string make_segment_uri(const SegmentAddress& address, const JoinedFragment& joined) {
  const std::string number = joined.fragment.header.number.text();
  if (address.mpeg_ts) return fmt::format("getTSFragment.ts?FragmentNumber={}&SessionToken={}", number, address.token);
  return fmt::format("getMP4MediaFragment.mp4?FragmentNumber={}&SessionToken={}&TrackNumber={}{}", number,
                     address.token, static_cast<int>(address.track),
                     begins_with_picture(joined, address.track) ? "&From=Picture" : "");
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
  const AacUnits units = find_aac_units(fragment.header.producer_time, producer_end(fragment));
  return std::chrono::microseconds(units.count * kAacFrameSamples * 125 / 6);
}

std::chrono::microseconds joined_duration(const JoinedFragment& joined, PlaybackTrack track) {
  const StoredFragment& fragment = joined.fragment;
  const bool is_stored_sound = track == PlaybackTrack::Audio && !is_rendered(fragment, track);
  if (!is_stored_sound) return segment_duration(fragment, track);
  const base::WallTime from = begins_with_picture(joined, track) ? pictures_start(fragment) : sound_start(fragment);
  base::WallTime to = joined.next == nullptr ? sound_end(fragment) : pictures_end(fragment);
  if (joined.joins_next) to = sound_start(*joined.next);
  return std::max<std::chrono::microseconds>(to - from, std::chrono::milliseconds(1));
}

}  // namespace streams
