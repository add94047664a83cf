// SPDX-License-Identifier: Apache-2.0
#include "streams/hls_sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "streams/hls_playlists.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;

// Contract 5.4, observed word for word.
constexpr const char* kNothingToPlay = "No fragments found in the stream for the streaming request.";
constexpr auto kLiveWindow = std::chrono::seconds(30);
constexpr std::size_t kCountAtOnce = 1000;
constexpr std::uint64_t kAudioBitRate = 128'000;
// A replay begins with its first playlist full, but for more than so much: players want some segments to begin with.
constexpr auto kMostReplayHead = std::chrono::seconds(10);
constexpr std::size_t kMostHeadFragments = 100;
constexpr base::WallTime kNoEnd{std::chrono::seconds(253'402'300'799)};  // the end of the year 9999
constexpr const char* kPlaylistType = "application/vnd.apple.mpegurl";

// The newest fragments that follow each other within half a minute: footage of an earlier session is not live.
void keep_live(std::vector<StoredFragment>& newest, base::WallTime now) {
  base::WallTime later = now;
  std::size_t first = newest.size();
  while (first > 0 &&
         later - (newest[first - 1].header.server_time + newest[first - 1].header.duration) <= kLiveWindow) {
    later = newest[--first].header.server_time;
  }
  newest.erase(newest.begin(), newest.begin() + static_cast<std::ptrdiff_t>(first));
}

// Producer time: of fragments with the same start, the larger number stays (contract 5.2).
void drop_duplicates(std::vector<StoredFragment>& fragments) {
  const auto same_start = [](const StoredFragment& a, const StoredFragment& b) {
    return a.header.producer_time == b.header.producer_time;
  };
  std::ranges::reverse(fragments);
  const auto rest = std::ranges::unique(fragments, same_start);
  fragments.erase(rest.begin(), rest.end());
  std::ranges::reverse(fragments);
}

// The fragments of an on-demand session, the oldest first.
Task<Result<std::vector<StoredFragment>>> list_on_demand(FragmentLogPtr log, HlsSession session, std::size_t limit) {
  const FragmentQuery query{
      .axis = session.axis, .from = session.from, .to = session.to, .limit = std::min(limit, kCountAtOnce)};
  CO_TRY(FragmentPage page, co_await log->list(query));
  std::vector<StoredFragment> fragments = std::move(page.fragments);
  while (!page.next_token.empty() && fragments.size() < limit) {
    CO_TRY(page, co_await log->list_next(page.next_token, std::min(limit - fragments.size(), kCountAtOnce)));
    fragments.insert(fragments.end(), page.fragments.begin(), page.fragments.end());
  }
  if (session.axis == TimeAxis::Producer) drop_duplicates(fragments);
  co_return fragments;
}

// Counts from `place` (none: the session's start) up to just before `until`.
Task<Result<std::optional<LivePlace>>> count_until(FragmentLogPtr log, HlsSession session,
                                                   std::optional<LivePlace> place, FragmentNumber until) {
  for (;;) {
    const FragmentNumber after = place ? place->number : FragmentNumber{session.first.value - 1};
    CO_TRY(std::vector<StoredFragment> next, co_await log->after(after, kCountAtOnce));
    for (const StoredFragment& fragment : next) {
      if (fragment.header.number >= until) co_return place;
      place = count_fragment(session, place ? &*place : nullptr, fragment);
    }
    if (next.empty()) co_return place;
  }
}

base::WallTime start_of(const StoredFragment& fragment, TimeAxis axis) {
  return axis == TimeAxis::Server ? fragment.header.server_time : fragment.header.producer_time;
}

}  // namespace

struct HlsSessions::Window {
  std::vector<StoredFragment> fragments;
  std::optional<LivePlace> before;  // the place of the fragment before the first one
  bool ended = false;               // nothing will follow

  // Moves on by one fragment and keeps the newest `most`.
  void push(const HlsSession& session, const StoredFragment& fragment, std::size_t most) {
    fragments.push_back(fragment);
    if (fragments.size() <= most) return;
    before = count_fragment(session, before ? &*before : nullptr, fragments.front());
    fragments.erase(fragments.begin());
  }
};

HlsSessions::HlsSessions(Archive& archive, Playback& playback, base::Bytes key, base::Random& random)
    : archive_(archive),
      playback_(playback),
      key_(std::move(key)),
      random_(random),
      counts_(std::make_unique<LiveCounts>()) {
  CHECK(key_.size() == 32);
}

HlsSessions::~HlsSessions() = default;

Task<Result<std::string>> HlsSessions::open(StreamKey stream, HlsRequest request, base::WallTime now) {
  const FragmentLogPtr log = archive_.log(stream);
  HlsSession session{.stream = stream,
                     .mode = request.mode,
                     .axis = request.axis,
                     .discontinuities = request.discontinuities,
                     .show_timestamps = request.show_timestamps,
                     .video = true,
                     .audio = false,
                     .max_fragments = request.max_fragments,
                     .from = request.from.value_or(base::WallTime{}),
                     .to = request.to.value_or(request.mode == PlaybackMode::Live ? now : kNoEnd),
                     .opened = now,
                     .expires = now + request.lifetime,
                     .first = {}};
  std::vector<StoredFragment> fragments;
  if (session.mode == PlaybackMode::Live) {
    CO_TRY(fragments, co_await log->newest(request.max_fragments));
    keep_live(fragments, now);
  } else {
    CO_TRY(fragments, co_await list_on_demand(log, session, 1));
  }
  if (fragments.empty()) co_return base::fail(Errc::NotFound, kNothingToPlay);
  session.first = fragments.front().header.number;
  CO_TRY(OpenedFragment opened, co_await playback_.open(log, fragments.front()));
  CO_TRY(const HlsTracks tracks, find_hls_tracks(opened));
  session.video = tracks.video != nullptr;
  session.audio = tracks.has_audio();
  co_return seal_hls_session(session, key_, random_);
}

Task<Result<HlsAnswer>> HlsSessions::answer(HlsFetch fetch, base::WallTime now) {
  const std::optional<HlsSession> session = open_hls_session(fetch.token, key_);
  if (!session) co_return base::fail(Errc::AccessDenied, "The SessionToken is not valid.");
  if (now >= session->expires) {
    co_return base::fail(Errc::AccessDenied,
                         "The streaming session has expired. Ask for a new one with GetHLSStreamingSessionURL.");
  }
  const FragmentLogPtr log = archive_.log(session->stream);
  if (log->deleted()) co_return base::fail(Errc::NotFound, "The stream no longer exists.");
  if (fetch.resource == "getHLSMasterPlaylist.m3u8") co_return co_await master_playlist(log, *session, fetch.token);

  const bool audio = fetch.track_number == "2";
  if (!(fetch.track_number == "1" && session->video) && !(audio && session->audio)) {
    co_return base::fail(Errc::InvalidArgument, "TrackNumber must be 1 for video or 2 for audio, as the session has.");
  }
  const PlaybackTrack track = audio ? PlaybackTrack::Audio : PlaybackTrack::Video;
  if (fetch.resource == "getHLSMediaPlaylist.m3u8")
    co_return co_await media_playlist(log, *session, fetch.token, track, now);
  const char* type = audio ? "audio/mp4" : "video/mp4";
  if (fetch.resource == "getMP4InitFragment.mp4") {
    CO_TRY(const container::Track described, to_track(fetch.init, track));
    auto init = make_init(described);
    if (!init) co_return base::fail(Errc::InvalidArgument, "CodecPrivate: " + init.error().message);
    co_return HlsAnswer{.content_type = type, .body = *std::move(init), .cacheable = true};
  }
  if (fetch.resource == "getMP4MediaFragment.mp4") {
    const std::optional<FragmentNumber> number = FragmentNumber::parse(fetch.fragment_number.value_or(""));
    if (!number) co_return base::fail(Errc::InvalidArgument, "FragmentNumber is not one of this server's.");
    CO_TRY(std::optional<StoredFragment> fragment, co_await log->find(*number));
    if (!fragment) co_return base::fail(Errc::NotFound, "The fragment does not exist or is no longer kept.");
    CO_TRY(std::string segment, co_await playback_.mp4_segment(log, *fragment, track));
    co_return HlsAnswer{.content_type = type, .body = std::move(segment), .cacheable = true};
  }
  co_return base::fail(Errc::NotFound, "No such resource of a streaming session.");
}

Task<Result<HlsAnswer>> HlsSessions::master_playlist(FragmentLogPtr log, HlsSession session, std::string token) {
  CO_TRY(std::vector<StoredFragment> fragments, co_await log->after(FragmentNumber{session.first.value - 1}, 1));
  if (fragments.empty()) co_return base::fail(Errc::NotFound, kNothingToPlay);
  CO_TRY(OpenedFragment opened, co_await playback_.open(log, fragments.front()));
  CO_TRY(const HlsTracks tracks, find_hls_tracks(opened));
  const double seconds = std::max(0.001, static_cast<double>(opened.fragment.header.duration.count()) / 1e6);

  container::HlsMasterPlaylist playlist;
  playlist.codecs = tracks.codecs();
  playlist.bandwidth = static_cast<std::uint64_t>(static_cast<double>(opened.payload->size()) * 8 / seconds);
  if (tracks.renders_audio) playlist.bandwidth += kAudioBitRate;
  const std::string audio_uri = session.audio ? make_playlist_uri(token, PlaybackTrack::Audio) : "";
  if (tracks.video != nullptr) {
    const auto frames = std::ranges::count(opened.document.blocks, tracks.video->number, &container::Block::track);
    playlist.width = tracks.video->width;
    playlist.height = tracks.video->height;
    playlist.frame_rate = static_cast<double>(frames) / seconds;
    playlist.video_uri = make_playlist_uri(token, PlaybackTrack::Video);
    playlist.audio_uri = audio_uri;
  } else {
    playlist.video_uri = audio_uri;
  }
  co_return HlsAnswer{.content_type = kPlaylistType, .body = container::write_hls_master(playlist)};
}

namespace {

// How much of a replay is shown from the start: up to the last fragment that its first playlist has room for.
Task<Result<std::chrono::microseconds>> replay_head(FragmentLogPtr log, HlsSession session) {
  const std::size_t count = std::min<std::size_t>(session.max_fragments, kMostHeadFragments);
  CO_TRY(const std::vector<StoredFragment> first, co_await log->after({session.first.value - 1}, count));
  std::chrono::microseconds head{};
  for (std::size_t i = 0; i + 1 < first.size(); ++i) head += first[i].header.duration;
  co_return std::min<std::chrono::microseconds>(head, kMostReplayHead);
}

}  // namespace

// What a replay has reached: fragments follow as the durations of those before them pass (contract 5.2).
Task<Result<HlsSessions::Window>> HlsSessions::find_replay(FragmentLogPtr log, HlsSession session,
                                                           std::optional<LivePlace> place, base::WallTime now) {
  Window window{.fragments = {}, .before = place, .ended = false};
  CO_TRY(const auto head, co_await replay_head(log, session));
  const auto reached = now - session.opened + head;
  FragmentNumber after = place ? place->number : FragmentNumber{session.first.value - 1};
  for (;;) {
    CO_TRY(std::vector<StoredFragment> next, co_await log->after(after, kCountAtOnce));
    for (const StoredFragment& fragment : next) {
      after = fragment.header.number;
      const base::WallTime start = start_of(fragment, session.axis);
      if (start < session.from || start > session.to) continue;
      if (place && place->played > reached) co_return window;
      place = count_fragment(session, place ? &*place : nullptr, fragment);
      window.push(session, fragment, session.max_fragments);
    }
    if (next.empty()) break;
  }
  window.ended = now > session.to;
  co_return window;
}

Task<Result<HlsSessions::Window>> HlsSessions::find_window(FragmentLogPtr log, HlsSession session, std::string token,
                                                           base::WallTime now) {
  Window window;
  if (session.mode == PlaybackMode::OnDemand) {
    CO_TRY(window.fragments, co_await list_on_demand(log, session, session.max_fragments));
    window.ended = true;
  } else if (session.mode == PlaybackMode::LiveReplay) {
    CO_TRY(window, co_await find_replay(log, session, counts_->find(token), now));
    if (window.before) counts_->put(token, *window.before);
  } else {
    CO_TRY(window.fragments, co_await log->newest(session.max_fragments));
    std::erase_if(window.fragments, [&](const StoredFragment& f) { return f.header.number < session.first; });
    if (!window.fragments.empty()) {
      // A count that is past this window belongs to a newer one: count anew.
      std::optional<LivePlace> known = counts_->find(token);
      if (known && known->number >= window.fragments.front().header.number) known.reset();
      CO_TRY(window.before, co_await count_until(log, session, known, window.fragments.front().header.number));
      if (window.before) counts_->put(token, *window.before);
    }
  }
  if (window.fragments.empty()) co_return base::fail(Errc::NotFound, kNothingToPlay);
  co_return window;
}

Task<Result<HlsAnswer>> HlsSessions::media_playlist(FragmentLogPtr log, HlsSession session, std::string token,
                                                    PlaybackTrack track, base::WallTime now) {
  CO_TRY(const Window window, co_await find_window(log, session, token, now));
  const SegmentAddress address{.token = token, .track = track};
  container::HlsMediaPlaylist playlist;
  playlist.on_demand = session.mode == PlaybackMode::OnDemand;
  playlist.ended = window.ended;
  playlist.media_sequence = window.before ? window.before->segments : 0;
  playlist.discontinuity_sequence = window.before ? window.before->discontinuities : 0;
  std::optional<LivePlace> place = window.before;
  std::string map_uri;
  std::optional<std::uint64_t> fingerprint;
  int pending = 0;  // discontinuities of segments that this track does not have
  for (const StoredFragment& fragment : window.fragments) {
    const bool is_rendered = track == PlaybackTrack::Audio && (fragment.header.flags & kProducerDocument) == 0;
    if (is_rendered) {
      map_uri = make_init_uri(address, {});
    } else if (fingerprint != fragment.header.codec_fingerprint) {
      CO_TRY(OpenedFragment opened, co_await playback_.open(log, fragment));
      CO_TRY(const HlsTracks tracks, find_hls_tracks(opened));
      map_uri = make_init_uri(address, describe_init(tracks, track));
      fingerprint = fragment.header.codec_fingerprint;
    }
    if (is_discontinuity(session.discontinuities, place ? &*place : nullptr, fragment)) ++pending;
    place = count_fragment(session, place ? &*place : nullptr, fragment);
    container::HlsSegment segment{.uri = make_segment_uri(address, fragment.header.number),
                                  .map_uri = map_uri,
                                  .duration = segment_duration(fragment, track),
                                  .program_date_time = std::nullopt,
                                  .discontinuities = pending};
    if (session.show_timestamps) {
      segment.program_date_time =
          session.axis == TimeAxis::Server ? fragment.header.server_time : fragment.header.producer_time;
    }
    // In a live session each fragment keeps its place in the sequence, even one too short for a unit of sound.
    if (playlist.on_demand && segment.duration.count() == 0) continue;
    pending = 0;
    playlist.segments.push_back(std::move(segment));
  }
  for (const StoredFragment& fragment : window.fragments) {
    playlist.target_duration = std::max(playlist.target_duration, fragment.header.duration);
  }
  co_return HlsAnswer{.content_type = kPlaylistType, .body = container::write_hls_media(playlist)};
}

}  // namespace streams
