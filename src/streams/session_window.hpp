// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which fragments of a streaming session a playlist or manifest shows at a moment.

#include <optional>
#include <vector>

#include "streams/hls_playlists.hpp"

namespace streams {

struct SessionWindow {
  std::vector<StoredFragment> fragments;  // never empty
  std::optional<LivePlace> before;        // the place of the fragment before the first one
  bool ended = false;                     // nothing will follow
};

// Contract 5.4, observed word for word.
inline constexpr const char* kNothingToPlay = "No fragments found in the stream for the streaming request.";

// `known`: a place to count on from, of an earlier window of this session. NotFound when there is nothing to show.
async::Task<base::Result<SessionWindow>> find_window(FragmentLogPtr log, StreamingSession session,
                                                     std::optional<LivePlace> known, base::WallTime now);

// The fragments of a session's range, the oldest first.
async::Task<base::Result<std::vector<StoredFragment>>> list_range(FragmentLogPtr log, StreamingSession session,
                                                                  std::size_t limit);

// How much of a replay is shown from the start: up to the last fragment that its first playlist has room for, and not
// more than ten seconds.
async::Task<base::Result<std::chrono::microseconds>> find_replay_head(FragmentLogPtr log, StreamingSession session);

// The longest fragment that is known when a session opens: of the newest ones for a live session, else of the first
// ones.
async::Task<base::Result<std::chrono::microseconds>> longest_of(FragmentLogPtr log, StreamingSession session);

}  // namespace streams
