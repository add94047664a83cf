// SPDX-License-Identifier: Apache-2.0
#include "streams/media_playlists.hpp"

#include <algorithm>

namespace streams {
namespace {

using async::Task;
using base::Result;
using container::HlsMediaPlaylist;
using container::HlsSegment;
using std::chrono::microseconds;

constexpr int kTargetsWithParts = 3;  // parts further from the end are of no use (rfc8216bis 6.2.2)

const LivePlace* pointer_to(const std::optional<LivePlace>& place) {
  return place ? &*place : nullptr;
}

// What fragments are looked into with.
struct Reader {
  Playback& playback;
  FragmentLogPtr log;
};

// The address of the track's initialisation segment; only a new codec private data costs a look into the fragment.
class MapAddresses {
 public:
  MapAddresses(Playback& playback, FragmentLogPtr log, SegmentAddress address)
      : playback_(playback), log_(std::move(log)), address_(std::move(address)) {}

  Task<Result<std::string>> of(StoredFragment fragment) {
    if (address_.mpeg_ts) co_return std::string();  // every segment brings its parameter sets
    if (is_rendered(fragment)) co_return make_init_uri(address_, {});
    if (fingerprint_ == fragment.header.codec_fingerprint) co_return uri_;
    CO_TRY(OpenedFragment opened, co_await playback_.open(log_, fragment));
    CO_TRY(const PlayableTracks tracks, find_playable_tracks(opened));
    uri_ = make_init_uri(address_, describe_init(tracks, address_.track));
    fingerprint_ = fragment.header.codec_fingerprint;
    co_return uri_;
  }
  std::string of(const LiveFragment& fragment) const {
    if (address_.track == PlaybackTrack::Audio) return make_init_uri(address_, {});
    const container::Track video = container::make_avc_track(1, fragment.avcc, fragment.width, fragment.height);
    return make_init_uri(address_, describe_init({.video = &video}, address_.track));
  }

 private:
  bool is_rendered(const StoredFragment& fragment) const {
    return address_.track == PlaybackTrack::Audio && (fragment.header.flags & kProducerDocument) == 0;
  }
  Playback& playback_;
  FragmentLogPtr log_;
  SegmentAddress address_;
  std::optional<std::uint64_t> fingerprint_;
  std::string uri_;
};

std::vector<container::HlsPart> list_parts(const CutFragment& cut, const SegmentAddress& address,
                                           FragmentNumber number) {
  std::vector<container::HlsPart> parts;
  for (std::size_t i = 0; i < cut.count(address.track); ++i) {
    parts.push_back(cut.describe(address.track, i));
    parts.back().uri = make_part_uri(address, number, i);
  }
  return parts;
}

// Low-latency players place sound and pictures by their dates: those are always there, and of the first sample.
std::optional<base::WallTime> find_date(const PlaylistView& view, const StoredFragment& fragment) {
  const StreamingSession& session = view.session;
  if (!session.low_latency) {
    return session.show_timestamps ? std::optional(start_of(fragment, session.axis)) : std::nullopt;
  }
  const TimeAxis axis = session.show_timestamps ? session.axis : TimeAxis::Producer;
  return start_of(fragment, axis) + segment_offset(fragment, view.track);
}

// What was begun and never committed (design section 7). Nobody fetches it: the address says only which one it is.
HlsSegment make_gap_segment(const PlaylistView& view, const StoredFragment& fragment, const std::string& map_uri) {
  const store::Gap& gap = *fragment.header.gap_before;
  const bool is_discontinuity = view.session.discontinuities == DiscontinuityMode::Always;
  const SegmentAddress address{.token = view.token, .track = view.track};
  StoredFragment missing;
  missing.header.number = {fragment.header.number.value - 1};
  return {.uri = make_segment_uri(address, {.fragment = missing}),
          .map_uri = map_uri,
          .duration =
              std::clamp<microseconds>(gap.to - gap.from, std::chrono::milliseconds(1), view.session.target_duration),
          .program_date_time = std::nullopt,
          .discontinuities = is_discontinuity ? 1 : 0,
          .gap = true};
}

Task<Result<std::optional<container::HlsReport>>> report_other(Reader reader, const PlaylistView& view) {
  const bool has_both = view.session.video && view.session.audio;
  if (!has_both) co_return std::optional<container::HlsReport>();
  const PlaybackTrack other = view.track == PlaybackTrack::Video ? PlaybackTrack::Audio : PlaybackTrack::Video;
  container::HlsReport report{.uri = make_playlist_uri(view.token, other, view.directives),
                              .last_msn = view.last_msn()};
  const LiveTrack edge = view.edge(other);
  std::size_t parts = 0;
  if (edge.whole) {
    ++report.last_msn;
    parts = edge.whole->count(other);
  } else {
    CO_TRY(const CutFragment cut, co_await count_parts(reader.playback, reader.log, view.window.fragments.back(), other,
                                                       view.session.part_target));
    parts = cut.count(other);
  }
  if (edge.open && edge.open->count(other) > 0) {
    ++report.last_msn;
    parts = edge.open->count(other);
  }
  if (parts > 0) report.last_part = parts - 1;
  co_return std::optional(std::move(report));
}

// How many of the first segments are further from the end than the boundary.
std::size_t count_skippable(const HlsMediaPlaylist& playlist) {
  microseconds from_end{};
  for (std::size_t i = playlist.segments.size(); i > 0; --i) {
    if (from_end > playlist.skip_boundary()) return i;
    from_end += playlist.segments[i - 1].duration;
  }
  return 0;
}

// Of stored segments, near the end. Gap segments stand between the fragments: both are walked from the end.
Task<Result<void>> add_stored_parts(Reader reader, const PlaylistView& view, microseconds from_end,
                                    HlsMediaPlaylist& playlist) {
  const SegmentAddress address{.token = view.token, .track = view.track};
  std::size_t segment = playlist.segments.size();
  for (std::size_t i = view.window.fragments.size(); i > 0 && from_end <= kTargetsWithParts * playlist.target(); --i) {
    const StoredFragment& fragment = view.window.fragments[i - 1];
    CO_TRY(const CutFragment cut,
           co_await count_parts(reader.playback, reader.log, fragment, view.track, view.session.part_target));
    while (playlist.segments[segment - 1].gap) --segment;
    HlsSegment& shown = playlist.segments[--segment];
    shown.parts = list_parts(cut, address, fragment.header.number);
    from_end += shown.duration;
  }
  co_return Result<void>();
}

// The segment of a fragment at the edge; without parts and a duration.
HlsSegment begin_segment(const PlaylistView& view, const MapAddresses& maps, const LivePlace* before,
                         const LiveFragment& fragment) {
  const StoredFragment to_be = to_stored(fragment);
  HlsSegment segment{.uri = {}, .map_uri = maps.of(fragment), .program_date_time = find_date(view, to_be)};
  if (is_discontinuity(view.session.discontinuities, before, to_be)) ++segment.discontinuities;
  return segment;
}

// The fragment at the edge that is a segment already; moves `place` on.
HlsSegment make_whole_segment(const PlaylistView& view, const MapAddresses& maps, const CutFragment& cut,
                              std::optional<LivePlace>& place) {
  const SegmentAddress address{.token = view.token, .track = view.track};
  const LiveFragment& fragment = view.live.front();
  const FragmentNumber number = fragment.header.number;
  HlsSegment segment = begin_segment(view, maps, pointer_to(place), fragment);
  segment.uri = make_segment_uri(address, {.fragment = to_stored(fragment)});
  segment.duration = segment_duration(to_stored(fragment), view.track);
  segment.parts = list_parts(cut, address, number);
  place = count_fragment(view.session, pointer_to(place), to_stored(fragment));
  return segment;
}

// The fragment of which there are only parts, and the one that is expected next.
void add_open_segment(const PlaylistView& view, const MapAddresses& maps, const LiveTrack& edge,
                      const LivePlace* before, HlsMediaPlaylist& playlist) {
  const SegmentAddress address{.token = view.token, .track = view.track};
  const FragmentNumber number = edge.open_fragment->header.number;
  HlsSegment open = begin_segment(view, maps, before, *edge.open_fragment);
  open.parts = list_parts(*edge.open, address, number);
  if (!edge.open->complete) playlist.low_latency->preload_hint = make_part_uri(address, number, open.parts.size());
  if (!open.parts.empty()) playlist.segments.push_back(std::move(open));
}

// `place`: after the window's last fragment.
Task<Result<void>> add_low_latency(Reader reader, const PlaylistView& view, const MapAddresses& maps,
                                   std::optional<LivePlace> place, HlsMediaPlaylist& playlist) {
  playlist.low_latency = container::HlsLowLatency{.part_target = view.session.part_target};
  const LiveTrack edge = view.edge(view.track);
  std::optional<HlsSegment> whole;
  if (edge.whole) {
    whole = make_whole_segment(view, maps, *edge.whole, place);
    playlist.target_duration = std::max<microseconds>(playlist.target_duration, place->longest);
  }
  const microseconds from_end = whole ? whole->duration : microseconds::zero();
  CO_TRY_VOID(co_await add_stored_parts(reader, view, from_end, playlist));
  if (whole) playlist.segments.push_back(*std::move(whole));
  if (view.skip) playlist.low_latency->skipped = count_skippable(playlist);
  if (edge.open) add_open_segment(view, maps, edge, pointer_to(place), playlist);
  CO_TRY(auto report, co_await report_other(reader, view));
  if (report) playlist.low_latency->reports.push_back(*std::move(report));
  co_return Result<void>();
}

}  // namespace

std::uint64_t PlaylistView::last_msn() const {
  std::optional<LivePlace> place = window.before;
  for (const StoredFragment& fragment : window.fragments) place = count_fragment(session, pointer_to(place), fragment);
  return place->segments - 1;
}

Task<Result<CutFragment>> count_parts(Playback& playback, FragmentLogPtr log, StoredFragment fragment,
                                      PlaybackTrack track, microseconds target) {
  OpenedFragment opened{.fragment = fragment, .payload = nullptr, .document = {}};
  const bool looks_inside = track == PlaybackTrack::Video && (fragment.header.flags & kProducerDocument) == 0;
  if (looks_inside) {
    CO_TRY(opened, co_await playback.open(log, fragment));
  }
  CutFragment cut = cut_stored(opened, track, target);
  cut.pictures.clear();  // they point into `opened`
  co_return cut;
}

Task<Result<HlsMediaPlaylist>> make_media_playlist(Playback& playback, FragmentLogPtr log, PlaylistView view) {
  const StreamingSession& session = view.session;
  const SegmentAddress address{.token = view.token, .track = view.track, .mpeg_ts = session.mpeg_ts};
  HlsMediaPlaylist playlist;
  playlist.on_demand = session.mode == PlaybackMode::OnDemand;
  playlist.ended = view.window.ended;
  playlist.media_sequence = view.window.before ? view.window.before->segments : 0;
  playlist.discontinuity_sequence = view.window.before ? view.window.before->discontinuities : 0;
  MapAddresses maps(playback, log, address);
  std::optional<LivePlace> place = view.window.before;
  int pending = 0;  // discontinuities of segments that this track does not have
  for (std::size_t i = 0; i < view.window.fragments.size(); ++i) {
    const StoredFragment& fragment = view.window.fragments[i];
    CO_TRY(std::string map_uri, co_await maps.of(fragment));
    if (has_gap_segment(session, pointer_to(place), fragment)) {
      playlist.segments.push_back(make_gap_segment(view, fragment, map_uri));
    }
    if (is_discontinuity(session.discontinuities, pointer_to(place), fragment)) ++pending;
    if (view.track == PlaybackTrack::Video && (fragment.header.flags & kDependent) != 0) playlist.independent = false;
    const StoredFragment* next = i + 1 < view.window.fragments.size() ? &view.window.fragments[i + 1] : nullptr;
    const JoinedFragment joined = join_fragment(session, pointer_to(place), fragment, next);
    place = count_fragment(session, pointer_to(place), fragment);
    HlsSegment segment{.uri = make_segment_uri(address, joined),
                       .map_uri = std::move(map_uri),
                       .duration = joined_duration(joined, view.track),
                       .program_date_time = find_date(view, fragment),
                       .discontinuities = pending};
    // In a live session each fragment keeps its place in the sequence, even one too short for a unit of sound.
    if (playlist.on_demand && segment.duration.count() == 0) continue;
    pending = 0;
    playlist.segments.push_back(std::move(segment));
  }
  playlist.target_duration = std::max<microseconds>(session.target_duration, place->longest);
  if (playlist.on_demand) playlist.target_duration = place->longest;  // all that there is
  if (session.low_latency) {
    CO_TRY_VOID(co_await add_low_latency({playback, log}, view, maps, place, playlist));
  }
  co_return playlist;
}

}  // namespace streams
