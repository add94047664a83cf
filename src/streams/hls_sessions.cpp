// SPDX-License-Identifier: Apache-2.0
#include "streams/hls_sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "codecs/h264_parameter_sets.hpp"
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

Result<void> check_playable(const OpenedFragment& opened) {
  const container::Track* video = opened.document.find_video();
  if (!video || video->codec_id != container::kCodecAvc) {
    return base::fail(Errc::Unsupported,
                      "The stream's media cannot be played by HLS: its first track is not H.264 video.");
  }
  if (video->codec_private.empty()) {
    return base::fail(Errc::Corrupt, "The codec private data of track 1 is missing.");
  }
  if (auto init = make_video_init(video->codec_private); !init) return base::fail(std::move(init).error());
  return {};
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

struct Window {
  std::vector<StoredFragment> fragments;
  std::optional<LivePlace> before;  // the place of the fragment before the first one
};

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

}  // namespace

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
                     .audio = false,
                     .max_fragments = request.max_fragments,
                     .from = request.from.value_or(base::WallTime{}),
                     .to = request.to.value_or(now),
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
  CO_TRY_VOID(check_playable(opened));
  session.audio = opened.has_audio();
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
  if (!(fetch.track_number == "1" || (audio && session->audio))) {
    co_return base::fail(Errc::InvalidArgument, "TrackNumber must be 1, or 2 in a session with audio.");
  }
  const PlaybackTrack track = audio ? PlaybackTrack::Audio : PlaybackTrack::Video;
  if (fetch.resource == "getHLSMediaPlaylist.m3u8")
    co_return co_await media_playlist(log, *session, fetch.token, track);
  const char* type = audio ? "audio/mp4" : "video/mp4";
  if (fetch.resource == "getMP4InitFragment.mp4") {
    if (audio) co_return HlsAnswer{.content_type = type, .body = make_audio_init(), .cacheable = true};
    const auto avcc = base::parse_base64_url(fetch.codec_private.value_or(""));
    if (!avcc) co_return base::fail(Errc::InvalidArgument, "CodecPrivate is not base64url.");
    auto init = make_video_init(*avcc);
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
  CO_TRY_VOID(check_playable(opened));
  const container::Track& video = *opened.document.find_video();
  const auto frames = std::ranges::count(opened.document.blocks, video.number, &container::Block::track);
  const double seconds = std::max(0.001, static_cast<double>(opened.fragment.header.duration.count()) / 1e6);

  container::HlsMasterPlaylist playlist;
  playlist.codecs = codecs::h264::codec_string_of_avcc(video.codec_private);
  playlist.width = video.width;
  playlist.height = video.height;
  playlist.frame_rate = static_cast<double>(frames) / seconds;
  playlist.bandwidth = static_cast<std::uint64_t>(static_cast<double>(opened.payload->size()) * 8 / seconds);
  playlist.video_uri = make_playlist_uri(token, PlaybackTrack::Video);
  if (session.audio) {
    playlist.codecs += ",mp4a.40.2";
    playlist.bandwidth += kAudioBitRate;
    playlist.audio_uri = make_playlist_uri(token, PlaybackTrack::Audio);
  }
  co_return HlsAnswer{.content_type = kPlaylistType, .body = container::write_hls_master(playlist)};
}

Task<Result<HlsAnswer>> HlsSessions::media_playlist(FragmentLogPtr log, HlsSession session, std::string token,
                                                    PlaybackTrack track) {
  Window window;
  if (session.mode == PlaybackMode::OnDemand) {
    CO_TRY(window.fragments, co_await list_on_demand(log, session, session.max_fragments));
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

  const SegmentAddress address{.token = token, .track = track};
  container::HlsMediaPlaylist playlist;
  playlist.on_demand = session.mode == PlaybackMode::OnDemand;
  playlist.media_sequence = window.before ? window.before->segments : 0;
  playlist.discontinuity_sequence = window.before ? window.before->discontinuities : 0;
  std::optional<LivePlace> place = window.before;
  std::string map_uri = track == PlaybackTrack::Audio ? make_init_uri(address, {}) : "";
  std::optional<std::uint64_t> fingerprint;
  int pending = 0;  // discontinuities of segments that this track does not have
  for (const StoredFragment& fragment : window.fragments) {
    if (track == PlaybackTrack::Video && fingerprint != fragment.header.codec_fingerprint) {
      CO_TRY(OpenedFragment opened, co_await playback_.open(log, fragment));
      CO_TRY_VOID(check_playable(opened));
      map_uri = make_init_uri(address, opened.document.find_video()->codec_private);
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
