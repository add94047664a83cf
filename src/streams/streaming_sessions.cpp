// SPDX-License-Identifier: Apache-2.0
#include "streams/streaming_sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "streams/codec_configurations.hpp"
#include "streams/dash_manifests.hpp"
#include "streams/hls_playlists.hpp"
#include "streams/session_window.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;

constexpr auto kLiveWindow = std::chrono::seconds(30);
constexpr base::WallTime kNoEnd{std::chrono::seconds(253'402'300'799)};  // the end of the year 9999
constexpr const char* kManifestType = "application/dash+xml";
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

// HLS names a segment by its fragment, DASH by its time.
Task<Result<std::optional<StoredFragment>>> find_segment(FragmentLogPtr log, SessionFetch fetch, PlaybackTrack track) {
  if (!fetch.fragment_number) co_return co_await find_at_media_time(log, fetch.time.value_or(""), track);
  const std::optional<FragmentNumber> number = FragmentNumber::parse(*fetch.fragment_number);
  if (!number) co_return base::fail(Errc::InvalidArgument, "FragmentNumber is not one of this server's.");
  co_return co_await log->find(*number);
}

}  // namespace

StreamingSessions::StreamingSessions(Archive& archive, Playback& playback, base::Bytes key, base::Random& random,
                                     StreamingLimits limits)
    : archive_(archive),
      playback_(playback),
      key_(std::move(key)),
      random_(random),
      limits_(limits),
      counts_(std::make_unique<LiveCounts>()) {
  CHECK(key_.size() == 32);
}

StreamingSessions::~StreamingSessions() = default;

Task<Result<std::string>> StreamingSessions::open(StreamKey stream, StreamingRequest request, base::WallTime now) {
  const FragmentLogPtr log = archive_.log(stream);
  StreamingSession session{.stream = stream,
                           .mode = request.mode,
                           .axis = request.axis,
                           .discontinuities = request.discontinuities,
                           .show_timestamps = request.show_timestamps,
                           .show_numbers = request.show_numbers,
                           .video = true,
                           .audio = false,
                           .max_fragments = request.max_fragments,
                           .from = request.from.value_or(base::WallTime{}),
                           .to = request.to.value_or(request.mode == PlaybackMode::Live ? now : kNoEnd),
                           .origin = now,
                           .expires = now + request.lifetime,
                           .first = {}};
  std::vector<StoredFragment> fragments;
  if (session.mode == PlaybackMode::Live) {
    CO_TRY(fragments, co_await log->newest(request.max_fragments));
    keep_live(fragments, now);
  } else {
    CO_TRY(fragments, co_await list_range(log, session, 1));
  }
  if (fragments.empty()) co_return base::fail(Errc::NotFound, kNothingToPlay);
  session.first = fragments.front().header.number;
  if (session.mode == PlaybackMode::Live) session.origin = fragments.front().header.server_time;
  if (session.mode == PlaybackMode::LiveReplay) {
    CO_TRY(const auto head, co_await find_replay_head(log, session));
    session.origin = now - head;
  }
  CO_TRY(OpenedFragment opened, co_await playback_.open(log, fragments.front()));
  CO_TRY(const PlayableTracks tracks, find_playable_tracks(opened));
  session.video = tracks.video != nullptr;
  session.audio = tracks.has_audio();
  co_return seal_session(session, key_, random_);
}

Task<Result<SessionAnswer>> StreamingSessions::answer(SessionFetch fetch, base::WallTime now) {
  const std::optional<StreamingSession> session = open_session(fetch.token, key_);
  if (!session) co_return base::fail(Errc::AccessDenied, "The SessionToken is not valid.");
  if (now >= session->expires) {
    co_return base::fail(Errc::AccessDenied,
                         "The streaming session has expired. Ask for a new one with GetHLSStreamingSessionURL or "
                         "GetDASHStreamingSessionURL.");
  }
  const FragmentLogPtr log = archive_.log(session->stream);
  if (log->deleted()) co_return base::fail(Errc::NotFound, "The stream no longer exists.");
  if (fetch.resource == "getHLSMasterPlaylist.m3u8") co_return co_await master_playlist(log, *session, fetch.token);
  if (fetch.resource == "getDASHManifest.mpd") {
    CO_TRY(SessionWindow window, co_await look(log, *session, fetch.token, now));
    CO_TRY_VOID(check_configurations(window.fragments, limits_.dash_configurations));
    SessionView view{*session, fetch.token, std::move(window)};
    CO_TRY(std::string manifest, co_await make_dash_manifest(playback_, log, std::move(view), now));
    co_return SessionAnswer{.content_type = kManifestType, .body = std::move(manifest)};
  }

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
    co_return SessionAnswer{.content_type = type, .body = *std::move(init), .cacheable = true};
  }
  if (fetch.resource == "getMP4MediaFragment.mp4") {
    CO_TRY(const std::optional<StoredFragment> fragment, co_await find_segment(log, fetch, track));
    if (!fragment) co_return base::fail(Errc::NotFound, "The fragment does not exist or is no longer kept.");
    CO_TRY(std::string segment, co_await playback_.mp4_segment(log, *fragment, track));
    co_return SessionAnswer{.content_type = type, .body = std::move(segment), .cacheable = true};
  }
  co_return base::fail(Errc::NotFound, "No such resource of a streaming session.");
}

Task<Result<SessionAnswer>> StreamingSessions::master_playlist(FragmentLogPtr log, StreamingSession session,
                                                               std::string token) {
  CO_TRY(std::vector<StoredFragment> fragments, co_await log->after(FragmentNumber{session.first.value - 1}, 1));
  if (fragments.empty()) co_return base::fail(Errc::NotFound, kNothingToPlay);
  CO_TRY(OpenedFragment opened, co_await playback_.open(log, fragments.front()));
  CO_TRY(const PlayableTracks tracks, find_playable_tracks(opened));

  container::HlsMasterPlaylist playlist;
  playlist.codecs = tracks.codecs();
  playlist.bandwidth = bit_rate_of(opened);
  if (tracks.renders_audio) playlist.bandwidth += kAudioBitRate;
  const std::string audio_uri = session.audio ? make_playlist_uri(token, PlaybackTrack::Audio) : "";
  if (tracks.video != nullptr) {
    const auto frames = std::ranges::count(opened.document.blocks, tracks.video->number, &container::Block::track);
    playlist.width = tracks.video->width;
    playlist.height = tracks.video->height;
    playlist.frame_rate = static_cast<double>(frames) / seconds_of(opened);
    playlist.video_uri = make_playlist_uri(token, PlaybackTrack::Video);
    playlist.audio_uri = audio_uri;
  } else {
    playlist.video_uri = audio_uri;
  }
  co_return SessionAnswer{.content_type = kPlaylistType, .body = container::write_hls_master(playlist)};
}

Task<Result<SessionWindow>> StreamingSessions::look(FragmentLogPtr log, StreamingSession session, std::string token,
                                                    base::WallTime now) {
  CO_TRY(SessionWindow window, co_await find_window(log, session, counts_->find(token), now));
  if (window.before) counts_->put(token, *window.before);
  co_return window;
}

Task<Result<SessionAnswer>> StreamingSessions::media_playlist(FragmentLogPtr log, StreamingSession session,
                                                              std::string token, PlaybackTrack track,
                                                              base::WallTime now) {
  CO_TRY(const SessionWindow window, co_await look(log, session, token, now));
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
      CO_TRY(const PlayableTracks tracks, find_playable_tracks(opened));
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
      segment.program_date_time = start_of(fragment, session.axis);
    }
    // In a live session each fragment keeps its place in the sequence, even one too short for a unit of sound.
    if (playlist.on_demand && segment.duration.count() == 0) continue;
    pending = 0;
    playlist.segments.push_back(std::move(segment));
  }
  for (const StoredFragment& fragment : window.fragments) {
    playlist.target_duration = std::max(playlist.target_duration, fragment.header.duration);
  }
  co_return SessionAnswer{.content_type = kPlaylistType, .body = container::write_hls_media(playlist)};
}

}  // namespace streams
