// SPDX-License-Identifier: Apache-2.0
#pragma once
// The committed fragments of one stream: written by recorders, read by everybody, from any shard.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.hpp"
#include "base/result.hpp"
#include "streams/coverage.hpp"
#include "streams/fragment.hpp"
#include "streams/live_edge.hpp"

namespace streams {

// What a writer hands over; the log knows the stream and the number.
struct FragmentDraft {
  base::WallTime producer_time;
  base::WallTime server_time;
  std::chrono::microseconds duration{};
  std::uint32_t flags = 0;
  std::uint64_t codec_fingerprint = 0;
  std::chrono::microseconds pictures_after{};  // as in FragmentHeader
  std::chrono::microseconds sound_after{};
  std::chrono::milliseconds sound_length{};
  std::optional<Gap> gap_before;
  std::optional<GapReason> ended_by;
  Payload payload;
};

// Where the recording before ours ended, and what a gap after it is put down to.
struct RecordingEnd {
  base::WallTime producer_end;
  GapReason gap_reason = GapReason::PublisherLeft;
};

struct FragmentQuery {
  TimeAxis axis = TimeAxis::Server;
  // Start time of the fragments, both bounds inclusive; none means unbounded.
  std::optional<base::WallTime> from;
  std::optional<base::WallTime> to;
  std::size_t limit = 100;
};

struct FragmentPage {
  std::vector<StoredFragment> fragments;  // ascending by (time on the axis, number)
  std::string next_token;                 // empty: that was the last page. Alphabet of the API's NextToken.
};

// Any thread. Shared by the archive and whoever reads or writes; a fragment is visible here only when it is durable,
// and fragments become visible in number order. Fragments past the stream's retention are not visible.
class FragmentLog {
 public:
  using Committed = std::move_only_function<void(base::Result<StoredFragment>)>;

  virtual ~FragmentLog() = default;
  virtual StreamKey stream() const = 0;

  // Writing. Every number is committed or abandoned, or later ones stay invisible for ever.
  virtual FragmentNumber open_fragment(base::WallTime server_time) = 0;
  // Never blocks. `done` runs on the store's thread when the fragment is durable, or at once with an error if the
  // store's queue is full; then the number is abandoned. A stream without retention keeps its fragments in memory for a
  // while: `done` runs at once, with a fragment that is not is_durable(); lists do not show it.
  virtual void commit(FragmentNumber number, FragmentDraft draft, Committed done) = 0;
  virtual void abandon(FragmentNumber number) = 0;

  // The last visible fragment, from memory.
  virtual std::optional<StoredFragment> last() const = 0;
  // The end of the newest fragment that was handed to commit() and not refused, durable or not, from memory: a camera
  // may be back before its last fragment is on disk.
  virtual std::optional<RecordingEnd> recorded_until() const = 0;

  // Reading. Each resumes on the caller's executor.
  virtual async::Task<base::Result<FragmentPage>> list(FragmentQuery query) = 0;
  // InvalidArgument if the token is not one of ours for this stream.
  virtual async::Task<base::Result<FragmentPage>> list_next(std::string token, std::size_t limit) = 0;
  virtual async::Task<base::Result<std::optional<StoredFragment>>> find(FragmentNumber number) = 0;
  // Ascending by number; FragmentNumber{} starts at the earliest.
  virtual async::Task<base::Result<std::vector<StoredFragment>>> after(FragmentNumber number, std::size_t limit) = 0;
  // The newest `limit`, ascending by number.
  virtual async::Task<base::Result<std::vector<StoredFragment>>> newest(std::size_t limit) = 0;
  // The fragment whose time span contains `time`, else the first that starts later, else none.
  virtual async::Task<base::Result<std::optional<StoredFragment>>> starting_at(TimeAxis axis, base::WallTime time) = 0;
  // What is recorded and what is missing, by producer time. InvalidArgument if the window is empty or the token
  // foreign.
  virtual async::Task<base::Result<Coverage>> coverage(CoverageQuery query) = 0;
  // From the cache of recent fragments, else from disk. Corrupt if the stored bytes are damaged.
  virtual async::Task<base::Result<Payload>> read(StoredFragment fragment) = 0;

  // Live tail: the next visible fragment after `number`, waiting for it if there is none yet; none after `timeout`,
  // or when the stream was deleted.
  virtual async::Task<std::optional<StoredFragment>> wait_after(FragmentNumber number, base::Duration timeout) = 0;
  // Set once the stream is deleted; nothing is visible any more and commits fail.
  virtual bool deleted() const = 0;

  // What is on its way here.
  LiveEdge& live_edge() { return live_edge_; }

 private:
  LiveEdge live_edge_;
};

}  // namespace streams
