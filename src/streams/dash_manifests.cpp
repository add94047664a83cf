// SPDX-License-Identifier: Apache-2.0
#include "streams/dash_manifests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "codecs/aac.hpp"
#include "container/dash_manifest.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;
using container::DashPeriod;
using container::DashSegment;
using container::DashTrack;
using std::chrono::microseconds;

constexpr auto kUpdatePeriod = std::chrono::seconds(1);

microseconds to_media_time(std::int64_t sample) {
  return microseconds(sample * 125 / 6);
}

bool has_rendered_sound(const StoredFragment& fragment) {
  return (fragment.header.flags & kProducerDocument) == 0;
}

// Rendered sound has a grid of its own; everything else lies as its fragment does.
DashSegment make_segment(const StreamingSession& session, const StoredFragment& fragment, bool is_video) {
  DashSegment segment;
  segment.time = fragment.header.producer_time.time_since_epoch();
  segment.duration = fragment.header.duration;
  if (!is_video && has_rendered_sound(fragment)) {
    const AacUnits units = find_aac_units(fragment.header.producer_time, producer_end(fragment));
    segment.time = to_media_time(units.first_sample());
    segment.duration = to_media_time(units.first_sample() + units.count * kAacFrameSamples) - segment.time;
  }
  if (session.show_timestamps) {
    const std::int64_t ms = base::to_milliseconds(start_of(fragment, session.axis));
    segment.timestamp = fmt::format("{}.{:03}", ms / 1000, ms % 1000);
  }
  if (session.show_numbers) segment.fragment_number = fragment.header.number.text();
  return segment;
}

DashTrack make_track(const OpenedFragment& opened, const PlayableTracks& tracks, const std::string& token,
                     PlaybackTrack kind) {
  DashTrack track;
  track.is_video = kind == PlaybackTrack::Video;
  const SegmentAddress address{.token = token, .track = kind};
  track.init_uri = make_init_uri(address, describe_init(tracks, kind));
  track.media_uri =
      fmt::format("getMP4MediaFragment.mp4?SessionToken={}&TrackNumber={}&Time=$Time$", token, static_cast<int>(kind));
  if (track.is_video) {
    PlayableTracks alone;
    alone.video = tracks.video;
    track.codecs = alone.codecs();
    track.width = tracks.video->width;
    track.height = tracks.video->height;
    track.bandwidth = bit_rate_of(opened);
    return track;
  }
  PlayableTracks alone = tracks;
  alone.video = nullptr;
  track.codecs = alone.codecs();
  track.sample_rate = 48'000;
  if (tracks.audio != nullptr) {
    const auto config = codecs::aac::parse_audio_specific_config(tracks.audio->codec_private);
    if (config) track.sample_rate = config->sample_rate;
  }
  track.bandwidth = kAudioBitRate;
  return track;
}

DashPeriod make_period(const MediaPeriod& period, const OpenedFragment& opened, const PlayableTracks& tracks,
                       const std::string& token) {
  DashPeriod made;
  made.id = period.first.text();
  made.start = period.start;
  made.media_start = period.media_start.time_since_epoch();
  if (tracks.video != nullptr) made.tracks.push_back(make_track(opened, tracks, token, PlaybackTrack::Video));
  if (tracks.has_audio()) made.tracks.push_back(make_track(opened, tracks, token, PlaybackTrack::Audio));
  return made;
}

void describe_growth(container::DashManifest& manifest, const StreamingSession& session, const SessionWindow& window,
                     base::WallTime now) {
  microseconds shown{};
  for (const StoredFragment& fragment : window.fragments) shown += fragment.header.duration;
  manifest.live = container::DashLive{.availability_start = session.origin,
                                      .published = now,
                                      .update_period = std::nullopt,
                                      .buffer_depth = shown,
                                      .delay = 2 * manifest.longest_segment};
  if (!window.ended) {
    manifest.live->update_period = kUpdatePeriod;
    manifest.duration = {};
  }
}

}  // namespace

Task<Result<std::string>> make_dash_manifest(Playback& playback, FragmentLogPtr log, SessionView view,
                                             base::WallTime now) {
  const StreamingSession& session = view.session;
  const SessionWindow& window = view.window;
  container::DashManifest manifest;
  std::optional<LivePlace> place = window.before;
  for (const StoredFragment& fragment : window.fragments) {
    const std::optional<LivePlace> before = place;
    place = count_fragment(session, before ? &*before : nullptr, fragment);
    if (manifest.periods.empty() || place->period.first != before->period.first) {
      if (!manifest.periods.empty()) manifest.periods.back().duration = before->presented() - before->period.start;
      CO_TRY(const OpenedFragment opened, co_await playback.open(log, fragment));
      CO_TRY(const PlayableTracks tracks, find_playable_tracks(opened));
      manifest.periods.push_back(make_period(place->period, opened, tracks, view.token));
    }
    for (DashTrack& track : manifest.periods.back().tracks) {
      DashSegment segment = make_segment(session, fragment, track.is_video);
      if (segment.duration.count() > 0) track.segments.push_back(std::move(segment));
    }
    manifest.longest_segment = std::max<microseconds>(manifest.longest_segment, fragment.header.duration);
  }
  manifest.duration = place->presented();
  if (window.ended) manifest.periods.back().duration = place->presented() - place->period.start;
  if (session.mode != PlaybackMode::OnDemand) describe_growth(manifest, session, window, now);
  co_return container::write_dash_manifest(manifest);
}

Task<Result<std::optional<StoredFragment>>> find_at_media_time(FragmentLogPtr log, std::string text,
                                                               PlaybackTrack track) {
  std::int64_t us = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), us);
  static constexpr std::int64_t kYear9999 = 253'402'300'799'000'000;
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || us < 0 || us > kYear9999) {
    co_return base::fail(Errc::InvalidArgument, "Time is not a number of microseconds.");
  }
  const base::WallTime at = base::from_microseconds(us);
  if (track == PlaybackTrack::Audio) {
    // The unit belongs to the fragment that holds the last sample it needs.
    const base::WallTime needed = at + to_media_time(kAacReach) + microseconds(1);
    CO_TRY(const std::optional<StoredFragment> holder, co_await log->starting_at(TimeAxis::Producer, needed));
    if (holder && has_rendered_sound(*holder)) {
      const AacUnits units = find_aac_units(holder->header.producer_time, producer_end(*holder));
      if (to_media_time(units.first_sample()) == at.time_since_epoch()) co_return holder;
    }
  }
  CO_TRY(const std::optional<StoredFragment> fragment, co_await log->starting_at(TimeAxis::Producer, at));
  if (!fragment || fragment->header.producer_time != at) co_return std::optional<StoredFragment>();
  co_return fragment;
}

}  // namespace streams
