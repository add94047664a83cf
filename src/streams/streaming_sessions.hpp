// SPDX-License-Identifier: Apache-2.0
#pragma once
// Streaming sessions, HLS and DASH (contract section 5): a session is its token; no state of it must survive a restart.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/task.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "streams/archive.hpp"
#include "streams/playable_tracks.hpp"
#include "streams/playback.hpp"
#include "streams/render_ahead.hpp"
#include "streams/segment_cache.hpp"

namespace streams {

struct SessionWindow;  // streams/session_window.hpp
struct PlaylistView;   // streams/media_playlists.hpp

enum class PlaybackMode : std::uint8_t { Live, OnDemand, LiveReplay };
enum class DiscontinuityMode : std::uint8_t { Always, Never, OnDiscontinuity };

inline constexpr std::size_t kMostOwnerBytes = 128;

// What GetHLSStreamingSessionURL or GetDASHStreamingSessionURL asked for, defaults of the contract filled in.
struct StreamingRequest {
  PlaybackMode mode = PlaybackMode::Live;
  TimeAxis axis = TimeAxis::Server;
  DiscontinuityMode discontinuities = DiscontinuityMode::Always;
  bool mpeg_ts = false;                  // HLS only
  bool show_timestamps = false;          // EXT-X-PROGRAM-DATE-TIME, kvs:ts
  bool show_numbers = false;             // kvs:fn
  std::optional<base::WallTime> from{};  // not for Live; both inclusive
  std::optional<base::WallTime> to{};    // LiveReplay may go on without end
  std::chrono::seconds lifetime{300};
  std::uint32_t max_fragments = 5;  // in one media playlist
  std::string owner{};              // who asks, in the caller's words; at most kMostOwnerBytes
};

struct StreamingOptions {
  // What recorders aim at: a session's target duration is not below it.
  std::chrono::microseconds fragment_target = std::chrono::seconds(2);
  bool low_latency_hls = false;     // unless a playlist's address says otherwise
  std::size_t most_waiting = 4096;  // blocking reloads, and requests for parts that do not exist yet
  std::size_t segment_cache_bytes = 128U << 20U;
  std::size_t dash_configurations = 0;  // of the codecs, one after the other in a manifest; 0: no limit
  std::size_t hls_codec_changes = 0;    // in a session, since its first fragment; 0: no limit
};

// What a session token says. docs/formats has no page for it: it lives for hours and is encrypted.
struct StreamingSession {
  StreamKey stream;
  PlaybackMode mode = PlaybackMode::Live;
  TimeAxis axis = TimeAxis::Server;
  DiscontinuityMode discontinuities = DiscontinuityMode::Always;
  bool mpeg_ts = false;
  bool show_timestamps = false;
  bool show_numbers = false;
  bool video = true;
  bool audio = false;
  std::uint32_t max_fragments = 5;
  base::WallTime from{};
  base::WallTime to{};
  base::WallTime origin{};  // the wall time of the beginning of the presentation
  base::WallTime expires{};
  FragmentNumber first;  // segment 0 of the session
  // EXT-X-TARGETDURATION, from the opening on (RFC 8216 6.2.1: it must not change). A fragment that lasts longer raises
  // it for the rest of the session: players follow that, while a segment past its target makes some of them give up.
  std::chrono::seconds target_duration{1};
  std::string owner{};                      // as in the request
  std::chrono::milliseconds part_target{};  // PART-TARGET of the low-latency playlists
  bool low_latency = false;                 // is wanted of this playlist; not in the token

  bool operator==(const StreamingSession&) const = default;
};

// URL-safe base64 and '~': AES-256-GCM under `key` (32 bytes).
std::string seal_session(const StreamingSession& session, base::ByteView key, base::Random& random);
// Nothing for a token that this key did not make.
std::optional<StreamingSession> open_session(std::string_view token, base::ByteView key);

// The query of a low-latency playlist (rfc8216bis 6.2.5).
struct ReloadDirectives {
  std::optional<std::uint64_t> msn{};   // _HLS_msn: answer when this segment is there
  std::optional<std::uint64_t> part{};  // _HLS_part: or this part of it
  bool skip = false;                    // _HLS_skip
};

// One of the session's GETs, taken apart: the last part of the path and the query's values.
struct SessionFetch {
  std::string resource;  // "getHLSMediaPlaylist.m3u8"
  std::string token;
  std::optional<std::string> track_number;
  std::optional<std::string> fragment_number;
  std::optional<std::string> time{};  // DASH: where a segment starts, in ticks
  std::optional<std::string> timescale{};
  SoundEdges edges{};                 // of a segment
  std::optional<std::string> last{};  // DASH: the number of the fragment whose sound ends with its pictures
  TrackInit init;                     // of an initialisation segment
  std::optional<bool> low_latency{};
  std::optional<std::uint64_t> part{};  // of a fragment
  ReloadDirectives reload{};
};
struct SessionAnswer {
  std::string content_type;
  std::string body{};
  std::shared_ptr<const std::string> segment{};  // instead of `body`: shared by all who read it
  bool cacheable = false;                        // segments never change
};

// Any thread; owned by the process, outlives the handlers that use it.
class StreamingSessions {
 public:
  // `key`: 32 secret bytes; sessions survive a restart when it does. `random` is async::SecureRandom.
  StreamingSessions(Archive& archive, Playback& playback, base::Bytes key, base::Random& random,
                    StreamingOptions options = {});
  ~StreamingSessions();
  StreamingSessions(const StreamingSessions&) = delete;
  StreamingSessions& operator=(const StreamingSessions&) = delete;

  // The session's token. NotFound with the contract's text when there is nothing to play; Unsupported when the codec
  // cannot be played. The caller has checked the request's rules and that the stream keeps data.
  async::Task<base::Result<std::string>> open(StreamKey stream, StreamingRequest request, base::WallTime now);

  // What the token says; nothing when it is not ours.
  std::optional<StreamingSession> find(std::string_view token) const { return open_session(token, key_); }

  // AccessDenied: the token is not ours, or has expired. NotFound: the fragment is gone. LimitExceeded: too many
  // configurations.
  async::Task<base::Result<SessionAnswer>> answer(SessionFetch fetch, base::WallTime now) {
    std::optional<StreamingSession> session = find(fetch.token);
    return answer(std::move(session), std::move(fetch), now);
  }
  // The same for a caller that has asked find() for the fetch's token already.
  async::Task<base::Result<SessionAnswer>> answer(std::optional<StreamingSession> session, SessionFetch fetch,
                                                  base::WallTime now);

 private:
  class LiveCounts;

  async::Task<base::Result<SessionAnswer>> master_playlist(FragmentLogPtr log, StreamingSession session,
                                                           SessionFetch fetch);
  async::Task<base::Result<SessionAnswer>> media_playlist(FragmentLogPtr log, StreamingSession session,
                                                          SessionFetch fetch, PlaybackTrack track, base::WallTime now);
  // The first moment at which the session shows what the reload waits for.
  async::Task<base::Result<PlaylistView>> await_reload(FragmentLogPtr log, StreamingSession session, SessionFetch fetch,
                                                       PlaybackTrack track, base::WallTime now);
  async::Task<base::Result<SessionAnswer>> part(FragmentLogPtr log, StreamingSession session, SessionFetch fetch,
                                                PlaybackTrack track);
  // A segment is in its playlist before it is committed.
  async::Task<base::Result<void>> await_commit(FragmentLogPtr log, StreamingSession session, SessionFetch fetch);
  // True when something has changed since the ticket, in time. Unavailable otherwise, and when too many wait.
  async::Task<base::Result<void>> await_change(LiveEdge& edge, std::uint64_t ticket, base::Instant deadline);
  async::Task<base::Result<SessionAnswer>> segment(FragmentLogPtr log, StreamingSession session, SessionFetch fetch);
  // From the cache, else rendered and put there.
  async::Task<base::Result<Segment>> find_or_render(FragmentLogPtr log, StoredFragment fragment, SegmentKind kind,
                                                    SoundEdges edges = {});
  // What the session shows now; counts on from where it was last asked.
  async::Task<base::Result<SessionWindow>> look(FragmentLogPtr log, StreamingSession session, std::string token,
                                                base::WallTime now);

  Archive& archive_;
  Playback& playback_;
  base::Bytes key_;
  base::Random& random_;
  const StreamingOptions options_;
  std::unique_ptr<LiveCounts> counts_;
  SegmentCache segments_;
  RenderAhead ahead_;
  std::atomic<std::size_t> waiting_ = 0;
};

}  // namespace streams
