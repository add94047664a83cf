// SPDX-License-Identifier: Apache-2.0
#include "streams/dash_manifests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "codecs/aac.hpp"
#include "container/dash_manifest.hpp"
#include "container/mp4.hpp"
#include "streams/media_ticks.hpp"

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
constexpr std::int64_t kHighestTimescale = 1'000'000;

constexpr std::int64_t kYear9999 = 253'402'300'799;

bool has_rendered_sound(const StoredFragment& fragment) {
  return (fragment.header.flags & kProducerDocument) == 0;
}

base::WallTime track_start(const StoredFragment& fragment, PlaybackTrack track) {
  return track == PlaybackTrack::Video ? pictures_start(fragment) : sound_start(fragment);
}

// Rendered sound has a grid of its own. The times are those inside the segments, to the tick; a producer's sound lasts
// until that of the next fragment, see join_sound().
DashSegment make_segment(const StreamingSession& session, const StoredFragment& fragment, const DashTrack& track,
                         SoundEdges edges) {
  DashSegment segment;
  const PlaybackTrack kind = track.is_video ? PlaybackTrack::Video : PlaybackTrack::Audio;
  segment.time = to_media_ticks(track_start(fragment, kind), track.timescale);
  const base::WallTime end = track.is_video ? pictures_end(fragment) : sound_end(fragment);
  segment.duration = to_media_ticks(end, track.timescale) - segment.time;
  const bool is_silence = !track.is_video && fragment.header.sound_length.count() == 0;
  if (is_silence) {  // whole units, see list_silence()
    segment.duration = (segment.duration + kAacFrameSamples - 1) / kAacFrameSamples * kAacFrameSamples;
  }
  if (!track.is_video && has_rendered_sound(fragment)) {
    const AacUnits units = find_edged_units(fragment.header.producer_time, producer_end(fragment), edges);
    segment.time = units.first_sample();
    segment.duration = units.count * kAacFrameSamples;
  }
  if (session.show_timestamps) {
    const std::int64_t ms = base::to_milliseconds(start_of(fragment, session.axis));
    segment.timestamp = fmt::format("{}.{:03}", ms / 1000, ms % 1000);
  }
  if (session.show_numbers) segment.fragment_number = fragment.header.number.text();
  return segment;
}

// What a muxer had to write before a key frame is in the next cluster, also the sound of the last pictures.
void join_sound(DashTrack& track, const StoredFragment& fragment, std::int64_t next) {
  if (track.is_video || has_rendered_sound(fragment) || track.segments.empty()) return;
  DashSegment& last = track.segments.back();
  if (next > last.time) last.duration = next - last.time;
}

void describe_video(DashTrack& track, const OpenedFragment& opened, const PlayableTracks& tracks) {
  PlayableTracks alone;
  alone.video = tracks.video;
  track.codecs = alone.codecs();
  track.width = tracks.video->width;
  track.height = tracks.video->height;
  track.bandwidth = bit_rate_of(opened);
  track.timescale = container::kVideoTimescale;
}

void describe_audio(DashTrack& track, const PlayableTracks& tracks) {
  PlayableTracks alone = tracks;
  alone.video = nullptr;
  alone.renders_audio = true;  // or silence
  track.codecs = alone.codecs();
  track.sample_rate = container::kAudioTimescale;
  if (tracks.audio != nullptr) {
    const auto config = codecs::aac::parse_audio_specific_config(tracks.audio->codec_private);
    if (config) track.sample_rate = config->sample_rate;
  }
  track.bandwidth = kAudioBitRate;
  track.timescale = track.sample_rate;
}

DashTrack make_track(const MediaPeriod& period, const OpenedFragment& opened, const PlayableTracks& tracks,
                     const SegmentAddress& address) {
  DashTrack track;
  track.is_video = address.track == PlaybackTrack::Video;
  if (track.is_video) {
    describe_video(track, opened, tracks);
  } else {
    describe_audio(track, tracks);
  }
  track.media_start = to_media_ticks(period.media_start, track.timescale);
  track.init_uri = make_init_uri(address, describe_init(tracks, address.track));
  track.media_uri = fmt::format("getMP4MediaFragment.mp4?SessionToken={}&TrackNumber={}&Timescale={}&Time=$Time$",
                                address.token, static_cast<int>(address.track), track.timescale);
  return track;
}

DashPeriod make_period(const MediaPeriod& period, const OpenedFragment& opened, const PlayableTracks& tracks,
                       const std::string& token, bool has_audio) {
  DashPeriod made;
  made.id = period.first.text();
  made.start = period.start;
  if (tracks.video != nullptr) made.tracks.push_back(make_track(period, opened, tracks, {token, PlaybackTrack::Video}));
  if (has_audio) made.tracks.push_back(make_track(period, opened, tracks, {token, PlaybackTrack::Audio}));
  return made;
}

// Which ends of its Period the fragment has. In a presentation that grows only what nothing joins is an end: what has
// been shown may not change.
SoundEdges find_edges(const StreamingSession& session, const LivePlace* before, const StoredFragment& fragment,
                      const StoredFragment* next) {
  if (session.mode != PlaybackMode::OnDemand) {
    return {.from_picture = before == nullptr || !joins(before->pictures_end, fragment)};
  }
  const LivePlace place = count_fragment(session, before, fragment);
  const auto is_of_this_period = [&](const StoredFragment& other) {
    return count_fragment(session, &place, other).period.first == place.period.first;
  };
  return {.from_picture = place.period.first == fragment.header.number,
          .to_picture = next == nullptr || !is_of_this_period(*next)};
}

// dash.js looks five times a second whether the last Period is over, while the element plays on to the end of what it
// has: with a unit of sound past the end of the Period it now and then goes back by half a second and stays there. So
// the presentation ends after all of its media: the slack is for times that are known to the millisecond only.
void close_presentation(container::DashManifest& manifest, microseconds pictures_end) {
  constexpr microseconds kSlack{1'000};
  DashPeriod& last = manifest.periods.back();
  microseconds length = pictures_end - last.start;
  for (const DashTrack& track : last.tracks) {
    if (track.segments.empty()) continue;
    const std::int64_t ticks = track.segments.back().time + track.segments.back().duration - track.media_start;
    length = std::max(length, microseconds(ticks * 1'000'000 / track.timescale));
  }
  last.duration = std::chrono::ceil<std::chrono::milliseconds>(length) + kSlack;
  manifest.duration = last.start + *last.duration;
}

// Of a presentation that still grows. One that has ended is static: that is how players of it learn where its end is.
void describe_growth(container::DashManifest& manifest, const StreamingSession& session, const SessionWindow& window,
                     base::WallTime now) {
  microseconds shown{};
  for (const StoredFragment& fragment : window.fragments) shown += fragment.header.duration;
  manifest.live = container::DashLive{.availability_start = session.origin,
                                      .published = now,
                                      .update_period = kUpdatePeriod,
                                      .buffer_depth = shown,
                                      .delay = 2 * manifest.longest_segment};
}

}  // namespace

Task<Result<std::string>> make_dash_manifest(Playback& playback, FragmentLogPtr log, SessionView view,
                                             base::WallTime now) {
  const StreamingSession& session = view.session;
  const SessionWindow& window = view.window;
  container::DashManifest manifest;
  std::optional<LivePlace> place = window.before;
  for (std::size_t i = 0; i < window.fragments.size(); ++i) {
    const StoredFragment& fragment = window.fragments[i];
    const StoredFragment* next = i + 1 < window.fragments.size() ? &window.fragments[i + 1] : nullptr;
    const std::optional<LivePlace> before = place;
    const SoundEdges edges = find_edges(session, before ? &*before : nullptr, fragment, next);
    place = count_fragment(session, before ? &*before : nullptr, fragment);
    if (manifest.periods.empty() || place->period.first != before->period.first) {
      if (!manifest.periods.empty()) manifest.periods.back().duration = before->presented() - before->period.start;
      CO_TRY(const OpenedFragment opened, co_await playback.open(log, fragment));
      CO_TRY(const PlayableTracks tracks, find_playable_tracks(opened));
      manifest.periods.push_back(make_period(place->period, opened, tracks, view.token, session.audio));
    }
    for (DashTrack& track : manifest.periods.back().tracks) {
      DashSegment segment = make_segment(session, fragment, track, edges);
      join_sound(track, fragment, segment.time);
      if (edges.to_picture && !track.is_video) track.media_uri += "&Last=" + fragment.header.number.text();
      if (segment.duration > 0) track.segments.push_back(std::move(segment));
    }
    manifest.longest_segment = std::max<microseconds>(manifest.longest_segment, fragment.header.duration);
  }
  if (window.ended) close_presentation(manifest, place->presented());
  if (!window.ended) describe_growth(manifest, session, window, now);
  co_return container::write_dash_manifest(manifest);
}

namespace {

std::optional<std::int64_t> read_number(const std::string& text, std::int64_t most) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || number < 0 || number > most) return {};
  return number;
}

// The latest time that counts as no more than so many ticks.
base::WallTime end_of_tick(std::int64_t ticks, std::uint32_t timescale) {
  const std::int64_t rest = ticks % timescale + 1;
  return base::from_microseconds(ticks / timescale * 1'000'000 + (rest * 1'000'000 - 1) / timescale);
}

}  // namespace

Result<MediaTime> parse_media_time(const MediaTimeText& text) {
  const auto timescale = read_number(text.timescale, kHighestTimescale);
  if (!timescale || *timescale == 0) {
    return base::fail(Errc::InvalidArgument, "Timescale is not a number of ticks a second.");
  }
  const auto ticks = read_number(text.time, kYear9999 * *timescale);
  if (!ticks) return base::fail(Errc::InvalidArgument, "Time is not a number of ticks.");
  return MediaTime{*ticks, static_cast<std::uint32_t>(*timescale)};
}

Task<Result<MediaSegment>> find_at_media_time(FragmentLogPtr log, MediaTimeText text, PlaybackTrack track) {
  CO_TRY(const MediaTime asked, parse_media_time(text));
  const auto [ticks, rate] = asked;
  if (track == PlaybackTrack::Audio) {
    // The unit belongs to the fragment that holds the last sample it needs.
    CO_TRY(const std::optional<StoredFragment> holder,
           co_await log->starting_at(TimeAxis::Producer, end_of_tick(ticks + kAacReach, rate)));
    if (holder && has_rendered_sound(*holder)) {
      for (const SoundEdges edges : {SoundEdges{}, SoundEdges{.from_picture = true}}) {
        const AacUnits units = find_edged_units(holder->header.producer_time, producer_end(*holder), edges);
        if (units.first_sample() == ticks) co_return MediaSegment{holder, edges};
      }
    }
  }
  const auto is_it = [&](const StoredFragment& one) { return to_media_ticks(track_start(one, track), rate) == ticks; };
  const base::WallTime at = end_of_tick(ticks, rate);
  CO_TRY(std::optional<StoredFragment> found, co_await log->starting_at(TimeAxis::Producer, at));
  if (found && is_it(*found)) co_return MediaSegment{found};
  // The track may begin after the next fragment does, or before its own.
  if (found) {
    const base::WallTime before = found->header.producer_time - microseconds(1);
    CO_TRY(found, co_await log->starting_at(TimeAxis::Producer, before));
    if (found && is_it(*found)) co_return MediaSegment{found};
  }
  CO_TRY(const FragmentPage later, co_await log->list({.axis = TimeAxis::Producer, .from = at, .to = {}, .limit = 1}));
  if (!later.fragments.empty() && is_it(later.fragments.front())) co_return MediaSegment{later.fragments.front()};
  co_return MediaSegment{};
}

}  // namespace streams
