// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a recorder has of the fragments that are not committed yet, for low-latency readers on any shard (design section
// 7: parts are served from memory, and answer 404 when their fragment never commits).

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "streams/commit_signal.hpp"
#include "streams/fragment.hpp"

namespace streams {

// A picture, or an Opus packet; its time is the one it is committed with.
struct LiveFrame {
  std::uint32_t track = 1;
  bool key_frame = false;
  base::WallTime time{};
  std::int64_t rtp_timestamp = 0;
  Payload payload;
};

struct LiveFragment {
  FragmentHeader header;  // as it will be committed, but for what only the end tells: duration, gap, end
  base::Bytes avcc;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<LiveFrame> pictures;      // in order of time, at least one
  std::optional<base::WallTime> end{};  // once no picture will follow
};

// The sound of all participants around the fragments that are here.
struct LiveSound {
  std::vector<LiveFrame> packets;
  base::WallTime until;  // no packet before this will follow
};

// Any thread; part of the stream's log. Empty, and free of cost for ingest but for one look at the clock a frame,
// unless a reader has asked in the last kInterest.
//
// Fragments are in number order and without a hole: the first one here is the first that is not committed, so that it
// is the next segment of every playlist. The recorder sees to that.
class LiveEdge {
 public:
  static constexpr base::Duration kInterest = std::chrono::seconds(15);
  static constexpr std::size_t kMostBytes = 100U << 20U;  // two of the largest fragments

  // Readers. Says that somebody is here; pictures come with the next frame.
  void ask(base::Instant now);
  // Since when somebody has been here without a break.
  base::Instant wanted_since() const;
  // The first two fragments past `number`: one that waits for its commit, and the one that follows it.
  std::vector<LiveFragment> after(FragmentNumber number) const;
  // A fragment that was shown will not be committed. Its segment is a gap before the next one that is; until then
  // nobody can tell what follows.
  bool is_lost() const;
  std::optional<LiveFragment> find(FragmentNumber number) const;
  LiveSound sound() const;
  base::WallTime sound_until() const;
  // Notified with every picture, and when a fragment is committed or lost.
  CommitSignal& changed() { return changed_; }

  // The recorder.
  bool is_wanted(base::Instant now) const;
  bool is_empty() const;
  // Takes the pictures it has not got. False when there is no room: nothing may follow then before clear().
  bool put(const LiveFragment& fragment);
  std::size_t count_pictures(FragmentNumber number) const;
  bool has(FragmentNumber number) const { return count_pictures(number) > 0; }
  void put_sound(LiveFrame packet);
  void set_sound_until(base::WallTime time);
  void clear();

  // The log.
  void committed(FragmentNumber number);
  void abandoned(FragmentNumber number);

 private:
  void drop_first();

  std::atomic<base::Instant::rep> asked_ = INT64_MIN;
  std::atomic<base::Instant::rep> since_ = INT64_MIN;
  CommitSignal changed_;
  mutable std::mutex mutex_;
  std::deque<LiveFragment> fragments_;
  std::size_t bytes_ = 0;
  std::deque<LiveFrame> sound_;
  base::WallTime sound_until_;
  std::optional<FragmentNumber> lost_;  // shown and then abandoned; nothing later is committed yet
};

}  // namespace streams
