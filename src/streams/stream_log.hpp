// SPDX-License-Identifier: Apache-2.0
#pragma once
// The FragmentLog of one stream over the volumes and the index.

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "async/disk_worker.hpp"
#include "store/fragment_index.hpp"
#include "store/volume_store.hpp"
#include "streams/commit_signal.hpp"
#include "streams/fragment_log.hpp"
#include "streams/index_writer.hpp"
#include "streams/live_buffer.hpp"
#include "streams/payload_cache.hpp"
#include "streams/retention.hpp"

namespace streams {

class StreamLog;

// The logs that know what no disk holds (a live buffer, a refusal): kept alive by it, though nobody may use them now.
class KeptLogs {
 public:
  void keep(std::shared_ptr<StreamLog> log);
  // Forgets what is too old, and the logs that have nothing left.
  void prune();

 private:
  std::mutex mutex_;
  std::set<std::shared_ptr<StreamLog>> logs_;
};

// What every log uses. Owned by the archive; outlives its logs' calls.
struct LogSurroundings {
  store::VolumeStore* volumes = nullptr;
  store::FragmentIndex* index = nullptr;
  IndexWriter* index_writer = nullptr;
  PayloadCache* cache = nullptr;
  async::DiskWorker* readers = nullptr;
  KeptLogs kept;
  std::function<base::WallTime()> wall_clock;
  std::function<void(const std::shared_ptr<FragmentLog>&, const StoredFragment&)> committed;  // as in ArchiveOptions
  base::WallTime opened;  // what has a lower number was written by an earlier process
  std::atomic<std::uint64_t> cache_hits = 0;
  std::atomic<std::uint64_t> cache_misses = 0;
  std::array<std::atomic<std::uint64_t>, kGapReasons> gaps{};  // that became visible, by reason
};

// The mutex guards a few maps and is never held across a disk operation. Shared by the archive, writers, readers, and
// the store's callbacks that are under way.
class StreamLog final : public FragmentLog, public std::enable_shared_from_this<StreamLog> {
 public:
  // `recent`: the newest fragments, ascending.
  StreamLog(LogSurroundings& around, StreamKey stream, FragmentNumber last, std::vector<StoredFragment> recent,
            std::uint32_t retention_hours);

  StreamKey stream() const override { return stream_; }
  FragmentNumber open_fragment(base::WallTime server_time) override;
  void commit(FragmentNumber number, FragmentDraft draft, Committed done) override;
  void abandon(FragmentNumber number) override;
  std::optional<StoredFragment> last() const override;
  std::optional<RecordingEnd> recorded_until() const override;
  async::Task<base::Result<FragmentPage>> list(FragmentQuery query) override;
  async::Task<base::Result<FragmentPage>> list_next(std::string token, std::size_t limit) override;
  async::Task<base::Result<std::optional<StoredFragment>>> find(FragmentNumber number) override;
  async::Task<base::Result<std::vector<StoredFragment>>> after(FragmentNumber number, std::size_t limit) override;
  async::Task<base::Result<std::vector<StoredFragment>>> newest(std::size_t limit) override;
  async::Task<base::Result<std::optional<StoredFragment>>> starting_at(TimeAxis axis, base::WallTime time) override;
  async::Task<base::Result<Coverage>> coverage(CoverageQuery query) override;
  async::Task<base::Result<Payload>> read(StoredFragment fragment) override;
  async::Task<std::optional<StoredFragment>> wait_after(FragmentNumber number, base::Duration timeout) override;
  bool deleted() const override { return deleted_; }

  void set_retention(std::uint32_t hours) { retention_hours_ = hours; }
  // Nothing up to this number is visible any more.
  void hide_through(FragmentNumber number);
  void mark_deleted();
  // The highest number given so far.
  FragmentNumber last_number() const;
  // Forgets what of the live buffer is too old; false when it knows nothing that no disk holds.
  bool prune();
  // The index has it: lists find it there.
  void forget_unindexed(FragmentNumber number);

 private:
  // A position in a listing with its bounds; the whole of a NextToken.
  struct Cursor {
    TimeAxis axis = TimeAxis::Server;
    base::WallTime from;
    base::WallTime to;
    store::ListPosition past;
  };
  struct Open {
    std::optional<RecordingEnd> handed_over;
    std::optional<StoredFragment> durable;
    Committed done;
    Payload payload;  // of a fragment that goes to the live buffer
  };
  // One consistent look at what is in memory.
  struct Memory {
    FragmentNumber visible_through;
    FragmentNumber first_kept;              // what is below is past its retention, or deleted
    std::vector<StoredFragment> unindexed;  // visible ones, ascending
    std::vector<StoredFragment> live;       // the same of the live buffer
    bool deleted = false;
    bool shows(const StoredFragment& fragment) const;
  };

  using Published = std::vector<std::pair<Committed, StoredFragment>>;  // and who is to be told of each

  void handle_appended(FragmentNumber number, const Payload& payload, Committed done,
                       base::Result<StoredFragment> result);
  void commit_to_memory(const FragmentHeader& header, Payload payload, Committed done);
  void publish_resolved(Published& published);
  void announce(Published& published);
  Memory look() const;
  FragmentNumber first_kept() const;
  GapReason gap_reason_after(FragmentNumber number, std::optional<GapReason> ended_by) const;
  void note_refused();
  // Needs mutex_.
  bool is_kept(const StoredFragment& fragment, FragmentNumber first) const;
  std::string write_token(const Cursor& cursor) const;
  std::optional<Cursor> parse_token(const std::string& token) const;

  // Blocking halves, on a reader thread.
  base::Result<FragmentPage> list_now(const Cursor& cursor, std::size_t limit);
  base::Result<std::vector<StoredFragment>> after_now(FragmentNumber number, std::size_t limit);
  base::Result<std::vector<StoredFragment>> newest_now(std::size_t limit);
  base::Result<std::optional<StoredFragment>> starting_at_now(TimeAxis axis, base::WallTime time);
  base::Result<Coverage> coverage_now(const CoverageQuery& query);
  base::Result<std::optional<StoredFragment>> last_starting_before(const Memory& memory, base::WallTime time);
  base::Result<std::vector<StoredFragment>> gaps_past(const Memory& memory, store::ListPosition past, base::WallTime to,
                                                      std::size_t limit);
  std::string write_coverage_token(base::WallTime from, base::WallTime to) const;
  bool parse_coverage_token(CoverageQuery& query) const;
  std::optional<std::vector<StoredFragment>> after_in_memory(FragmentNumber number, std::size_t limit) const;

  LogSurroundings& around_;
  const StreamKey stream_;
  std::atomic<std::uint32_t> retention_hours_;
  std::atomic<std::uint64_t> hidden_through_ = 0;
  std::atomic<bool> deleted_ = false;
  CommitSignal signal_;

  mutable std::mutex mutex_;
  FragmentNumber last_number_;
  FragmentNumber visible_through_;
  bool refused_ = false;                 // a fragment after those that are visible met a disk that did not take it
  std::map<FragmentNumber, Open> open_;  // not yet visible, nor abandoned
  std::deque<StoredFragment> recent_;    // the newest visible ones, ascending, without a hole
  bool recent_is_all_ = false;           // nothing older exists
  std::map<FragmentNumber, StoredFragment> unindexed_;
  LiveBuffer live_;
};

}  // namespace streams
