// SPDX-License-Identifier: Apache-2.0
#include "streams/streaming_sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/shard.hpp"
#include "base/check.hpp"
#include "streams/codec_configurations.hpp"
#include "streams/dash_manifests.hpp"
#include "streams/media_playlists.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;

constexpr auto kLiveWindow = std::chrono::seconds(30);
constexpr base::WallTime kNoEnd{std::chrono::seconds(253'402'300'799)};  // the end of the year 9999
constexpr std::size_t kMostSurveyed = 1000;
constexpr std::size_t kMostLooks = 16;
constexpr const char* kManifestType = "application/dash+xml";

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

// A fifth more than what has been seen: the next key frame does not come to the millisecond.
std::chrono::seconds to_target_duration(std::chrono::microseconds longest) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(longest * 6 / 5 + std::chrono::milliseconds(500));
  return std::max(seconds, std::chrono::seconds(1));
}

SegmentKind ts_kind(const StreamingSession& session) {
  if (!session.audio) return SegmentKind::TsOfVideo;
  return session.video ? SegmentKind::TsOfBoth : SegmentKind::TsOfAudio;
}

std::set<SegmentKind> kinds_of(const StreamingSession& session) {
  if (session.mpeg_ts) return {ts_kind(session)};
  std::set<SegmentKind> kinds;
  if (session.video) kinds.insert(SegmentKind::Mp4Video);
  if (session.audio) kinds.insert(SegmentKind::Mp4Audio);
  return kinds;
}

// A session has sound if any of what it shows first has some; where the rest has none there is silence. Looks into one
// fragment of each codec configuration, and not into very many.
Task<Result<bool>> find_sound(Playback& playback, FragmentLogPtr log, std::vector<StoredFragment> fragments) {
  std::set<std::uint64_t> looked;
  for (const StoredFragment& fragment : fragments) {
    if ((fragment.header.flags & kAudio) != 0) co_return true;
    if ((fragment.header.flags & kProducerDocument) == 0) continue;
    if (!looked.insert(fragment.header.codec_fingerprint).second) continue;
    if (looked.size() > kMostLooks) break;
    CO_TRY(const OpenedFragment opened, co_await playback.open(log, fragment));
    const auto tracks = find_playable_tracks(opened);
    if (tracks && tracks->has_audio()) co_return true;
  }
  co_return false;
}

// HLS names a segment by its fragment, DASH by its time. What is not there has no number.
Task<Result<MediaSegment>> find_segment(FragmentLogPtr log, SessionFetch fetch, PlaybackTrack track) {
  MediaSegment found{.fragment = std::nullopt, .edges = fetch.edges};
  if (!fetch.fragment_number) {
    CO_TRY(found, co_await find_at_media_time(log, {fetch.time.value_or(""), fetch.timescale.value_or("")}, track));
    found.edges.to_picture = found.fragment && fetch.last == found.fragment->header.number.text();
    co_return found;
  }
  const std::optional<FragmentNumber> number = FragmentNumber::parse(*fetch.fragment_number);
  if (!number) co_return base::fail(Errc::InvalidArgument, "FragmentNumber is not one of this server's.");
  CO_TRY(found.fragment, co_await log->find(*number));
  co_return found;
}

}  // namespace

StreamingSessions::StreamingSessions(Archive& archive, Playback& playback, base::Bytes key, base::Random& random,
                                     StreamingOptions options)
    : archive_(archive),
      playback_(playback),
      key_(std::move(key)),
      random_(random),
      options_(options),
      counts_(std::make_unique<LiveCounts>()),
      segments_(options.segment_cache_bytes),
      ahead_([this](FragmentLogPtr log, StoredFragment fragment, SegmentKind kind) -> Task<void> {
        (void)co_await find_or_render(std::move(log), fragment, kind);
      }) {
  CHECK(key_.size() == 32);
}

StreamingSessions::~StreamingSessions() = default;

Task<Result<std::string>> StreamingSessions::open(StreamKey stream, StreamingRequest request, base::WallTime now) {
  const FragmentLogPtr log = archive_.log(stream);
  StreamingSession session{.stream = stream,
                           .mode = request.mode,
                           .axis = request.axis,
                           .discontinuities = request.discontinuities,
                           .mpeg_ts = request.mpeg_ts,
                           .show_timestamps = request.show_timestamps,
                           .show_numbers = request.show_numbers,
                           .video = true,
                           .audio = false,
                           .max_fragments = request.max_fragments,
                           .from = request.from.value_or(base::WallTime{}),
                           .to = request.to.value_or(request.mode == PlaybackMode::Live ? now : kNoEnd),
                           .origin = now,
                           .expires = now + request.lifetime,
                           .first = {},
                           .owner = request.owner.substr(0, kMostOwnerBytes)};
  std::vector<StoredFragment> fragments;
  if (session.mode == PlaybackMode::Live) {
    CO_TRY(fragments, co_await log->newest(request.max_fragments));
    keep_live(fragments, now);
  } else {
    CO_TRY(fragments, co_await list_range(log, session, std::min<std::size_t>(request.max_fragments, kMostSurveyed)));
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
  if (!session.audio) {
    CO_TRY(session.audio, co_await find_sound(playback_, log, fragments));
  }
  CO_TRY(const auto longest, co_await longest_of(log, session));
  session.target_duration = to_target_duration(std::max(longest, options_.fragment_target));
  session.part_target = choose_part_target(picture_interval_of(opened));
  co_return seal_session(session, key_, random_);
}

Task<Result<SessionAnswer>> StreamingSessions::answer(std::optional<StreamingSession> session, SessionFetch fetch,
                                                      base::WallTime now) {
  if (!session) co_return base::fail(Errc::AccessDenied, "The SessionToken is not valid.");
  if (now >= session->expires) {
    co_return base::fail(Errc::AccessDenied,
                         "The streaming session has expired. Ask for a new one with GetHLSStreamingSessionURL or "
                         "GetDASHStreamingSessionURL.");
  }
  session->low_latency =
      session->mode == PlaybackMode::Live && !session->mpeg_ts && fetch.low_latency.value_or(options_.low_latency_hls);
  const FragmentLogPtr log = archive_.log(session->stream);
  if (log->deleted()) co_return base::fail(Errc::NotFound, "The stream no longer exists.");
  if (fetch.resource == "getHLSMasterPlaylist.m3u8") co_return co_await master_playlist(log, *session, fetch);
  if (fetch.resource == "getDASHManifest.mpd") {
    CO_TRY(SessionWindow window, co_await look(log, *session, fetch.token, now));
    CO_TRY_VOID(check_configurations(window.fragments, options_.dash_configurations));
    SessionView view{*session, fetch.token, std::move(window)};
    CO_TRY(std::string manifest, co_await make_dash_manifest(playback_, log, std::move(view), now));
    co_return SessionAnswer{.content_type = kManifestType, .body = std::move(manifest)};
  }

  if (fetch.resource == "getTSFragment.ts" && session->mpeg_ts) {
    co_return co_await segment(log, *session, std::move(fetch));
  }
  const bool audio = fetch.track_number == "2";
  if (!(fetch.track_number == "1" && session->video) && !(audio && session->audio)) {
    co_return base::fail(Errc::InvalidArgument, "TrackNumber must be 1 for video or 2 for audio, as the session has.");
  }
  const PlaybackTrack track = audio ? PlaybackTrack::Audio : PlaybackTrack::Video;
  if (fetch.resource == "getHLSMediaPlaylist.m3u8") co_return co_await media_playlist(log, *session, fetch, track, now);
  if (fetch.resource == "getMP4Part.mp4") co_return co_await part(log, *session, fetch, track);
  const char* type = audio ? "audio/mp4" : "video/mp4";
  if (fetch.resource == "getMP4InitFragment.mp4") {
    CO_TRY(const container::Track described, to_track(fetch.init, track));
    auto init = make_init(described);
    if (!init) co_return base::fail(Errc::InvalidArgument, "CodecPrivate: " + init.error().message);
    co_return SessionAnswer{.content_type = type, .body = *std::move(init), .cacheable = true};
  }
  if (fetch.resource == "getMP4MediaFragment.mp4") {
    co_return co_await segment(log, *session, std::move(fetch));
  }
  co_return base::fail(Errc::NotFound, "No such resource of a streaming session.");
}

Task<Result<SessionAnswer>> StreamingSessions::segment(FragmentLogPtr log, StreamingSession session,
                                                       SessionFetch fetch) {
  const bool is_ts = fetch.resource == "getTSFragment.ts";
  const bool is_audio = !is_ts && fetch.track_number == "2";
  const PlaybackTrack track = is_audio ? PlaybackTrack::Audio : PlaybackTrack::Video;
  CO_TRY_VOID(co_await await_commit(log, session, fetch));
  CO_TRY(const MediaSegment found, co_await find_segment(log, std::move(fetch), track));
  if (!found.fragment) {
    co_return base::fail(Errc::NotFound, "The fragment does not exist or is no longer kept.");
  }
  const SegmentKind kind = is_ts ? ts_kind(session) : is_audio ? SegmentKind::Mp4Audio : SegmentKind::Mp4Video;
  const bool has_edges = kind == SegmentKind::TsOfBoth || kind == SegmentKind::Mp4Audio;
  SessionAnswer answer{.content_type = is_ts ? "video/mp2t" : is_audio ? "audio/mp4" : "video/mp4", .cacheable = true};
  CO_TRY(answer.segment, co_await find_or_render(log, *found.fragment, kind, has_edges ? found.edges : SoundEdges{}));
  co_return answer;
}

Task<Result<Segment>> StreamingSessions::find_or_render(FragmentLogPtr log, StoredFragment fragment, SegmentKind kind,
                                                        SoundEdges edges) {
  const SegmentKey key{log->stream(), fragment.header.number, kind, edges};
  if (Segment known = segments_.find(key)) co_return known;
  const bool is_mp4 = kind == SegmentKind::Mp4Video || kind == SegmentKind::Mp4Audio;
  const PlaybackTrack track = kind == SegmentKind::Mp4Audio ? PlaybackTrack::Audio : PlaybackTrack::Video;
  auto rendered =
      is_mp4 ? co_await playback_.mp4_segment(log, fragment, track, edges)
             : co_await playback_.ts_segment(
                   log, fragment,
                   {.video = kind != SegmentKind::TsOfAudio, .audio = kind != SegmentKind::TsOfVideo, .edges = edges});
  if (!rendered) co_return base::fail(std::move(rendered).error());
  auto segment = std::make_shared<const std::string>(*std::move(rendered));
  segments_.put(key, segment, segment->size());
  co_return segment;
}

Task<Result<SessionAnswer>> StreamingSessions::master_playlist(FragmentLogPtr log, StreamingSession session,
                                                               SessionFetch fetch) {
  if (session.low_latency) log->live_edge().ask(async::now());  // so that it is there when the playlists are fetched
  CO_TRY(std::vector<StoredFragment> fragments, co_await log->after(FragmentNumber{session.first.value - 1}, 1));
  if (fragments.empty()) co_return base::fail(Errc::NotFound, kNothingToPlay);
  CO_TRY(OpenedFragment opened, co_await playback_.open(log, fragments.front()));
  CO_TRY(PlayableTracks tracks, find_playable_tracks(opened));
  if (session.audio && !tracks.has_audio()) tracks.renders_audio = true;  // silence, until there is some

  container::HlsMasterPlaylist playlist;
  playlist.codecs = tracks.codecs();
  playlist.bandwidth = bit_rate_of(opened);
  if (tracks.renders_audio) playlist.bandwidth += kAudioBitRate;
  const std::string directives = directives_of(fetch);
  const bool apart = session.audio && !(session.mpeg_ts && session.video);  // MPEG-TS holds both
  const std::string audio_uri = apart ? make_playlist_uri(fetch.token, PlaybackTrack::Audio, directives) : "";
  if (tracks.video != nullptr) {
    const auto frames = std::ranges::count(opened.document.blocks, tracks.video->number, &container::Block::track);
    playlist.width = tracks.video->width;
    playlist.height = tracks.video->height;
    playlist.frame_rate = static_cast<double>(frames) / seconds_of(opened);
    playlist.video_uri = make_playlist_uri(fetch.token, PlaybackTrack::Video, directives);
    playlist.audio_uri = audio_uri;
  } else {
    playlist.video_uri = audio_uri;
  }
  co_return SessionAnswer{.content_type = kPlaylistType, .body = container::write_hls_master(playlist)};
}

Task<Result<SessionWindow>> StreamingSessions::look(FragmentLogPtr log, StreamingSession session, std::string token,
                                                    base::WallTime now) {
  if (session.low_latency) token += "&";  // its segments are counted differently
  if (session.mode == PlaybackMode::Live) ahead_.ask(log, kinds_of(session), async::now());
  CO_TRY(SessionWindow window, co_await find_window(log, session, counts_->find(token), now));
  if (window.before) counts_->put(token, *window.before);
  co_return window;
}

}  // namespace streams
