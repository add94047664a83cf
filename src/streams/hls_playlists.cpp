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
  const auto gap = fragment.header.producer_time - before->producer_end;
  const bool is_producers = (fragment.header.flags & kProducerDocument) != 0;
  return gap > kContinuityTolerance || gap < -(is_producers ? kInterleaving : kContinuityTolerance);
}

namespace {

// Live presentations are on the wall clock; the others are as long as what they show.
MediaPeriod find_period(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment) {
  if (before != nullptr && !is_discontinuity(DiscontinuityMode::OnDiscontinuity, before, fragment)) {
    return before->period;
  }
  MediaPeriod period{fragment.header.number, fragment.header.producer_time, {}};
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
  place.producer_end = producer_end(fragment);
  place.played = (before ? before->played : std::chrono::microseconds::zero()) + fragment.header.duration;
  place.longest = std::max(before ? before->longest : std::chrono::microseconds::zero(), fragment.header.duration);
  place.codec_fingerprint = fragment.header.codec_fingerprint;
  place.period = find_period(session, before, fragment);
  return place;
}

std::string make_playlist_uri(const std::string& token, PlaybackTrack track, std::string_view directives) {
  return fmt::format("getHLSMediaPlaylist.m3u8?SessionToken={}&TrackNumber={}{}", token, static_cast<int>(track),
                     directives);
}

std::string make_part_uri(const SegmentAddress& address, FragmentNumber number, std::size_t part) {
  return fmt::format("getMP4Part.mp4?FragmentNumber={}&Part={}&SessionToken={}&TrackNumber={}", number.text(), part,
                     address.token, static_cast<int>(address.track));
}

std::string make_segment_uri(const SegmentAddress& address, FragmentNumber number) {
  if (address.mpeg_ts) {
    return fmt::format("getTSFragment.ts?FragmentNumber={}&SessionToken={}", number.text(), address.token);
  }
  return fmt::format("getMP4MediaFragment.mp4?FragmentNumber={}&SessionToken={}&TrackNumber={}", number.text(),
                     address.token, static_cast<int>(address.track));
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

namespace {

bool is_rendered(const StoredFragment& fragment, PlaybackTrack track) {
  return track == PlaybackTrack::Audio && (fragment.header.flags & kProducerDocument) == 0;
}

}  // namespace

std::chrono::microseconds segment_offset(const StoredFragment& fragment, PlaybackTrack track) {
  if (!is_rendered(fragment, track)) return std::chrono::microseconds::zero();
  const base::WallTime start = fragment.header.producer_time;
  const std::int64_t samples = find_aac_units(start, start).first_sample() - to_timeline_sample(start);
  return std::chrono::microseconds(samples * 125 / 6);
}

std::chrono::microseconds segment_duration(const StoredFragment& fragment, PlaybackTrack track) {
  if (!is_rendered(fragment, track)) return fragment.header.duration;
  const AacUnits units = find_aac_units(fragment.header.producer_time, producer_end(fragment));
  return std::chrono::microseconds(units.count * kAacFrameSamples * 125 / 6);
}

}  // namespace streams
