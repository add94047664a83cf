// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is known of the sessions of one shard: those that live, and the last that ended.

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "sessions/session_end.hpp"
#include "sessions/session_outcomes.hpp"
#include "sessions/session_steps.hpp"
#include "webrtc/peer/path_report.hpp"

namespace sessions {

// A record's place in every list, the newest join first: it does not change while a list is paged through, unless the
// client joins anew.
struct RecordPlace {
  base::WallTime joined_at;
  std::string id;
  auto operator<=>(const RecordPlace&) const = default;
};

// Counters of one connection since it was made: of what a master sends us, and of what we send to a viewer. Sound is
// what the client sends.
struct SessionNumbers {
  std::uint64_t video_packets = 0;
  std::uint64_t video_bytes = 0;
  std::uint64_t video_frames = 0;    // of a master
  std::uint64_t video_lost = 0;      // packets given up; of a master
  std::uint64_t video_repaired = 0;  // packets that came, or were sent, again
  std::uint64_t nacks = 0;           // packets asked for again, by whoever receives the video
  std::uint64_t plis = 0;            // key frames asked for
  std::uint64_t audio_packets = 0;
  std::uint64_t audio_bytes = 0;
  std::uint64_t audio_lost = 0;
  std::optional<base::Duration> round_trip;  // from the client's reports about what we send
  // Interarrival jitter (RFC 3550 6.4.1) of what the master sends us; the video's of a viewer as he reports it.
  std::optional<base::Duration> video_jitter;
  std::optional<base::Duration> audio_jitter;
  std::optional<std::chrono::microseconds> skew;  // how much later sound comes than its picture; of a master
};

// One join, or one offer of a viewer.
struct SessionRecord {
  std::string id;
  std::string channel_name;
  std::string client_id;  // empty: the master
  base::WallTime joined_at;
  base::Instant joined;
  SessionSteps steps{base::Instant()};
  std::vector<std::string> local_candidates;
  webrtc::PathReport path;
  std::optional<SessionNumbers> numbers;
  std::optional<SessionEnd> end;
  std::optional<base::WallTime> ended_at;

  RecordPlace place() const { return {joined_at, id}; }
};

class SessionHistory;

// The record of a session that lives, held by whatever runs it. Ends it as "the server stopped" when it goes first.
class SessionTrace {
 public:
  SessionTrace(SessionTrace&& other) noexcept = default;
  SessionTrace& operator=(SessionTrace&& other) = delete;
  ~SessionTrace();

  void reach(base::Instant now, Step step);
  // The client joined anew before anything came of it.
  void restart(base::Instant now, base::WallTime wall);
  // What the peer has found out until now.
  void note_path(webrtc::PathReport path);
  void note_local_candidates(std::vector<std::string> lines);
  void note_numbers(SessionNumbers numbers);
  // One line in the log; what comes later is not noted any more.
  void end(base::Instant now, SessionEnd how);
  const SessionSteps& steps() const { return record_->steps; }
  base::Instant joined() const { return record_->joined; }
  bool has(Step step) const { return record_->steps.has(step); }
  std::string text() const { return record_->steps.text(); }

 private:
  friend class SessionHistory;
  SessionTrace(SessionHistory& history, std::uint64_t number, std::shared_ptr<SessionRecord> record)
      : history_(&history), number_(number), record_(std::move(record)) {}

  SessionHistory* history_;
  std::uint64_t number_;
  std::shared_ptr<SessionRecord> record_;  // null: moved from
  base::Instant last_seen_{};
};

// Lives on one shard and outlives the traces it gave out. Live records are as many as there are sessions and waiting
// joins, which are bounded elsewhere; of those that ended, the newest kMaxEnded are kept, and kMaxEndedOfChannel of one
// channel, so that a client that fails again and again does not push out what happened to others. Restarting the server
// forgets all.
class SessionHistory {
 public:
  static constexpr std::size_t kMaxEnded = 64;
  static constexpr std::size_t kMaxEndedOfChannel = 8;

  // `random` outlives this; it gives the ids.
  explicit SessionHistory(base::Random& random) : random_(random) {}
  SessionHistory(const SessionHistory&) = delete;
  SessionHistory& operator=(const SessionHistory&) = delete;

  // `wall` is the time of `now`.
  SessionTrace begin(base::Instant now, base::WallTime wall, std::string channel_name, std::string client_id);
  // Newest join first; of one channel, or of all.
  std::vector<SessionRecord> list(const std::optional<std::string>& channel_name) const;
  const SessionOutcomes& outcomes() const { return outcomes_; }

 private:
  friend class SessionTrace;
  void finish(std::uint64_t number);
  void make_room(const std::string& channel_name);

  base::Random& random_;
  std::uint64_t next_number_ = 1;
  std::map<std::uint64_t, std::shared_ptr<SessionRecord>> live_;  // by the order of their beginning
  std::deque<std::shared_ptr<SessionRecord>> ended_;              // oldest end first
  SessionOutcomes outcomes_;
};

}  // namespace sessions
