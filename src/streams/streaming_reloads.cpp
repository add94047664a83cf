// SPDX-License-Identifier: Apache-2.0
// Playlists and parts that may have to be waited for (rfc8216bis 6.2.5). No thread is held: a request waits for the
// live edge's signal.
#include "async/shard.hpp"
#include "streams/codec_configurations.hpp"
#include "streams/media_playlists.hpp"
#include "streams/streaming_sessions.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;

constexpr int kTargetsOfPatience = 3;  // rfc8216bis 6.2.5.2: then 503
// Pictures come to the edge with the first frame after somebody asked; the first playlist waits for that so long.
constexpr base::Duration kFirstLook = std::chrono::milliseconds(150);
constexpr const char* kPartType[] = {"video/mp4", "audio/mp4"};

struct Waiting {
  explicit Waiting(std::atomic<std::size_t>& counter) : count(counter) { ++count; }
  ~Waiting() { --count; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  std::atomic<std::size_t>& count;
};

// A whole fragment at the edge is one of the newest that the session shows.
void make_room(PlaylistView& view) {
  std::vector<StoredFragment>& fragments = view.window.fragments;
  if (fragments.size() < view.session.max_fragments || fragments.size() < 2 || !view.edge(view.track).whole) return;
  const LivePlace* before = view.window.before ? &*view.window.before : nullptr;
  view.window.before = count_fragment(view.session, before, fragments.front());
  fragments.erase(fragments.begin());
}

PlaylistEnd find_end(const PlaylistView& view, PlaylistEnd end) {
  const LiveTrack edge = view.edge(view.track);
  if (edge.whole) {
    ++end.last_msn;
    end.last_parts = edge.whole->count(view.track);
  }
  end.next_parts = edge.open ? edge.open->count(view.track) : 0;
  return end;
}

}  // namespace

Task<Result<void>> StreamingSessions::await_change(LiveEdge& edge, std::uint64_t ticket, base::Instant deadline) {
  if (waiting_ >= options_.most_waiting) {
    co_return base::fail(Errc::Unavailable, "Too many requests wait for parts. Try again.");
  }
  const Waiting waiting(waiting_);
  const bool in_time = co_await edge.changed().wait(ticket, deadline);
  if (!in_time) co_return base::fail(Errc::Unavailable, "Nothing new has come. Try again without _HLS_msn.");
  co_return Result<void>();
}

Task<Result<PlaylistView>> StreamingSessions::await_reload(FragmentLogPtr log, StreamingSession session,
                                                           SessionFetch fetch, PlaybackTrack track,
                                                           base::WallTime now) {
  LiveEdge& edge = log->live_edge();
  const base::Instant began = async::now();
  edge.ask(began);
  const base::Instant first_look = edge.wanted_since() + kFirstLook;
  const base::Instant deadline = began + kTargetsOfPatience * session.target_duration;
  PlaylistView view{.session = session,
                    .token = fetch.token,
                    .directives = directives_of(fetch),
                    .track = track,
                    .skip = fetch.reload.skip};
  PlaylistEnd stored{.part_target = session.part_target};  // of the window
  for (;;) {
    const std::uint64_t ticket = edge.changed().ticket();
    if (log->deleted()) co_return base::fail(Errc::NotFound, "The stream no longer exists.");
    // The edge first: what it no longer has is in the log by then.
    view.sound_until = edge.sound_until();
    view.live = edge.after({});
    const std::optional<StoredFragment> last = log->last();
    if (view.window.fragments.empty() || !last || last->header.number != view.window.fragments.back().header.number) {
      CO_TRY(view.window, co_await look(log, session, fetch.token, now));
      CO_TRY(const CutFragment cut,
             co_await count_parts(playback_, log, view.window.fragments.back(), track, session.part_target));
      stored.last_parts = cut.count(track);
      stored.last_msn = view.last_msn();
    }
    std::erase_if(view.live, [&](const LiveFragment& fragment) {
      return fragment.header.number <= view.window.fragments.back().header.number;
    });
    const Reload verdict = edge.is_lost() ? Reload::Wait : judge_reload(fetch.reload, find_end(view, stored));
    if (verdict == Reload::TooFar) {
      co_return base::fail(Errc::InvalidArgument,
                           "_HLS_msn and _HLS_part ask for more than the next two segments, or _HLS_msn is missing.");
    }
    const bool answers = verdict == Reload::Answer;
    if (answers && (!view.live.empty() || async::now() >= first_look)) {
      make_room(view);
      co_return view;
    }
    auto changed = co_await await_change(edge, ticket, answers ? first_look : deadline);
    if (!changed && !answers) co_return base::fail(std::move(changed).error());
  }
}

Task<Result<SessionAnswer>> StreamingSessions::media_playlist(FragmentLogPtr log, StreamingSession session,
                                                              SessionFetch fetch, PlaybackTrack track,
                                                              base::WallTime now) {
  PlaylistView view{.session = session, .token = fetch.token, .track = track};
  if (session.low_latency) {
    CO_TRY(view, co_await await_reload(log, session, fetch, track, now));
  } else {
    CO_TRY(view.window, co_await look(log, session, fetch.token, now));
  }
  CO_TRY_VOID(check_codec_changes(view.window, options_.hls_codec_changes));
  CO_TRY(const container::HlsMediaPlaylist playlist, co_await make_media_playlist(playback_, log, std::move(view)));
  co_return SessionAnswer{.content_type = kPlaylistType, .body = container::write_hls_media(playlist)};
}

Task<Result<void>> StreamingSessions::await_commit(FragmentLogPtr log, StreamingSession session, SessionFetch fetch) {
  const std::optional<FragmentNumber> number = FragmentNumber::parse(fetch.fragment_number.value_or(""));
  if (!number) co_return Result<void>();
  LiveEdge& edge = log->live_edge();
  const base::Instant deadline = async::now() + kTargetsOfPatience * session.target_duration;
  for (;;) {
    const std::uint64_t ticket = edge.changed().ticket();
    if (!edge.has(*number)) co_return Result<void>();
    CO_TRY_VOID(co_await await_change(edge, ticket, deadline));
  }
}

// A part that is hinted at may be asked for before it exists.
Task<Result<SessionAnswer>> StreamingSessions::part(FragmentLogPtr log, StreamingSession session, SessionFetch fetch,
                                                    PlaybackTrack track) {
  const std::optional<FragmentNumber> number = FragmentNumber::parse(fetch.fragment_number.value_or(""));
  if (!number || !fetch.part) {
    co_return base::fail(Errc::InvalidArgument, "FragmentNumber and Part name a part, as its playlist does.");
  }
  LiveEdge& edge = log->live_edge();
  const base::Instant began = async::now();
  edge.ask(began);
  for (;;) {
    const std::uint64_t ticket = edge.changed().ticket();
    std::optional<LiveFragment> live = edge.find(*number);
    OpenedFragment opened;
    CutFragment cut;
    if (live) {
      cut = cut_live(*live, edge.sound_until(), track, session.part_target);
    } else {
      const std::optional<StoredFragment> last = log->last();
      std::optional<StoredFragment> stored;
      if (last && last->header.number >= *number) {
        CO_TRY(stored, co_await log->find(*number));
      }
      if (!stored) co_return base::fail(Errc::NotFound, "The fragment does not exist, or was never committed.");
      CO_TRY(opened, co_await playback_.open(log, *stored));
      cut = cut_stored(opened, track, session.part_target);
    }
    if (*fetch.part < cut.count(track)) {
      SessionAnswer answer{
          .content_type = kPartType[track == PlaybackTrack::Audio ? 1 : 0], .body = {}, .cacheable = true};
      base::Bytes body;
      if (track == PlaybackTrack::Audio) {
        const AacUnits units = cut.sound_parts[*fetch.part].units;
        CO_TRY(const auto sound, co_await playback_.audio_part(log, *number, units, edge.sound().packets));
        body = write_sound_part(*sound);
      } else {
        body = write_picture_part(cut.pictures, cut.picture_parts[*fetch.part], cut.end);
      }
      answer.body = base::as_text(body);
      co_return answer;
    }
    if (cut.complete) co_return base::fail(Errc::NotFound, "The fragment has fewer parts.");
    auto changed = co_await await_change(edge, ticket, began + kTargetsOfPatience * session.target_duration);
    if (!changed) co_return base::fail(std::move(changed).error());
  }
}

}  // namespace streams
