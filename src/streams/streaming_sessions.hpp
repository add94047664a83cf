// SPDX-License-Identifier: Apache-2.0
#pragma once
// Streaming sessions, HLS and DASH (contract section 5): a session is its token; no state of it must survive a restart.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/task.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "streams/archive.hpp"
#include "streams/playable_tracks.hpp"
#include "streams/playback.hpp"

namespace streams {

struct SessionWindow;  // streams/session_window.hpp

enum class PlaybackMode : std::uint8_t { Live, OnDemand, LiveReplay };
enum class DiscontinuityMode : std::uint8_t { Always, Never, OnDiscontinuity };

// What GetHLSStreamingSessionURL or GetDASHStreamingSessionURL asked for, defaults of the contract filled in.
struct StreamingRequest {
  PlaybackMode mode = PlaybackMode::Live;
  TimeAxis axis = TimeAxis::Server;
  DiscontinuityMode discontinuities = DiscontinuityMode::Always;
  bool show_timestamps = false;          // EXT-X-PROGRAM-DATE-TIME, kvs:ts
  bool show_numbers = false;             // kvs:fn
  std::optional<base::WallTime> from{};  // not for Live; both inclusive
  std::optional<base::WallTime> to{};    // LiveReplay may go on without end
  std::chrono::seconds lifetime{300};
  std::uint32_t max_fragments = 5;  // in one media playlist
};

// What a session token says. docs/formats has no page for it: it lives for hours and is encrypted.
struct StreamingSession {
  StreamKey stream;
  PlaybackMode mode = PlaybackMode::Live;
  TimeAxis axis = TimeAxis::Server;
  DiscontinuityMode discontinuities = DiscontinuityMode::Always;
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

  bool operator==(const StreamingSession&) const = default;
};

// URL-safe base64 and '~': AES-256-GCM under `key` (32 bytes).
std::string seal_session(const StreamingSession& session, base::ByteView key, base::Random& random);
// Nothing for a token that this key did not make.
std::optional<StreamingSession> open_session(std::string_view token, base::ByteView key);

// One of the session's GETs, taken apart: the last part of the path and the query's values.
struct SessionFetch {
  std::string resource;  // "getHLSMediaPlaylist.m3u8"
  std::string token;
  std::optional<std::string> track_number;
  std::optional<std::string> fragment_number;
  std::optional<std::string> time{};  // DASH: of a segment, microseconds on the media's timeline
  TrackInit init;                     // of an initialisation segment
};
struct SessionAnswer {
  std::string content_type;
  std::string body;
  bool cacheable = false;  // segments never change
};

struct StreamingLimits {
  std::size_t dash_configurations = 0;  // of the codecs, one after the other in a manifest; 0: no limit
};

// Any thread; owned by the process, outlives the handlers that use it.
class StreamingSessions {
 public:
  // `key`: 32 secret bytes; sessions survive a restart when it does. `random` is async::SecureRandom.
  StreamingSessions(Archive& archive, Playback& playback, base::Bytes key, base::Random& random,
                    StreamingLimits limits = {});
  ~StreamingSessions();
  StreamingSessions(const StreamingSessions&) = delete;
  StreamingSessions& operator=(const StreamingSessions&) = delete;

  // The session's token. NotFound with the contract's text when there is nothing to play; Unsupported when the codec
  // cannot be played. The caller has checked the request's rules and that the stream keeps data.
  async::Task<base::Result<std::string>> open(StreamKey stream, StreamingRequest request, base::WallTime now);

  // AccessDenied: the token is not ours, or has expired. NotFound: the fragment is gone. LimitExceeded: too many
  // configurations.
  async::Task<base::Result<SessionAnswer>> answer(SessionFetch fetch, base::WallTime now);

 private:
  class LiveCounts;

  async::Task<base::Result<SessionAnswer>> master_playlist(FragmentLogPtr log, StreamingSession session,
                                                           std::string token);
  async::Task<base::Result<SessionAnswer>> media_playlist(FragmentLogPtr log, StreamingSession session,
                                                          std::string token, PlaybackTrack track, base::WallTime now);
  // What the session shows now; counts on from where it was last asked.
  async::Task<base::Result<SessionWindow>> look(FragmentLogPtr log, StreamingSession session, std::string token,
                                                base::WallTime now);

  Archive& archive_;
  Playback& playback_;
  base::Bytes key_;
  base::Random& random_;
  const StreamingLimits limits_;
  std::unique_ptr<LiveCounts> counts_;
};

}  // namespace streams
