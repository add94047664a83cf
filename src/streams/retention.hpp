// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which fragments are past their time, and giving back the space that they took (docs/adr/0006).

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "store/fragment_index.hpp"
#include "store/volume_store.hpp"
#include "streams/fragment.hpp"
#include "streams/index_writer.hpp"

namespace streams {

inline constexpr std::uint32_t kKeepForEver = UINT32_MAX;

struct RetentionPolicy {
  std::uint32_t hours = kKeepForEver;  // 0: nothing is kept on disk
  std::uint64_t max_bytes = 0;         // payload bytes of the stream; 0: no limit
  friend bool operator==(const RetentionPolicy&, const RetentionPolicy&) = default;
};

// Every fragment with a lower number is past its retention at `now`. Numbers are server times that never go back, so
// what expires is always a prefix of the stream.
FragmentNumber first_kept(const RetentionPolicy& policy, base::WallTime now);

struct RetentionStats {
  std::uint64_t expired_fragments = 0;  // rows removed: by age, limit, floor or deletion
  std::uint64_t expired_bytes = 0;
  std::uint64_t removed_volumes = 0;
  std::uint64_t punched_bytes = 0;  // payloads handed to the file system as holes in volumes that live on
  std::uint64_t failures = 0;       // sweeps that met an error; the next one goes on
};

struct RetentionOptions {
  std::uint64_t free_space_floor = 0;                           // bytes; 0: off
  base::Duration interval = std::chrono::seconds(1);            // between sweeps; 0: only when asked
  std::chrono::microseconds spread = std::chrono::seconds(10);  // a stream expires at most so often
  // A volume that lost fragments by age gets so long to become empty as a whole before holes are made in it.
  std::chrono::microseconds fading = std::chrono::minutes(70);
  std::function<base::WallTime()> wall_clock;
  std::function<void()> prune_live_buffers;  // called with each sweep
  // What was derived from the stream's fragments up to this number has to go, before their rows do: a sweep that is
  // cut off comes back to it. Both may be empty; both block.
  std::function<base::Result<void>(StreamKey, FragmentNumber through)> forget_derived;
  // The disk lacks so many bytes: what can be derived again goes before any recording does.
  std::function<void(std::uint64_t bytes)> make_room;
};

// Owned by the archive; has a thread of its own. Every cost is that of what expires.
class Retention {
 public:
  // Writes tombstones, waits until they are durable and known to the index, and hides what they cover. Blocks.
  using Bury = std::function<base::Result<void>(std::span<const store::Tombstone>)>;

  Retention(RetentionOptions options, store::VolumeStore& volumes, store::FragmentIndex& index,
            IndexWriter& index_writer, Bury bury);
  ~Retention();
  Retention(const Retention&) = delete;
  Retention& operator=(const Retention&) = delete;

  // What an earlier process left to do, and the sweeps from now on.
  base::Result<void> start();
  void set_policy(StreamKey stream, RetentionPolicy policy);
  // The index has a new tombstone of this stream: remove the rows that it covers.
  void handle_buried(const store::Tombstone& tombstone);
  void forget_stream(StreamKey stream);
  // One round, now. Blocks.
  base::Result<void> sweep();
  RetentionStats stats() const;

 private:
  void run();
  void let_derived_give_way();
  base::Result<void> remove_buried();
  base::Result<void> expire_due(base::WallTime now);
  base::Result<void> enforce_limits();
  base::Result<void> enforce_floor();
  base::Result<void> empty_volume(std::uint64_t volume);
  base::Result<void> reclaim(base::WallTime now);
  base::Result<void> remove_volume(std::uint64_t volume);
  base::Result<void> punch_dead(const store::VolumeUse& use);
  base::Result<void> remove_rows(StreamKey stream, FragmentNumber through, std::chrono::microseconds fading);
  base::Result<std::optional<FragmentNumber>> number_over_limit(StreamKey stream, std::uint64_t excess);

  const RetentionOptions options_;
  store::VolumeStore& volumes_;
  store::FragmentIndex& index_;
  IndexWriter& index_writer_;
  const Bury bury_;

  std::mutex sweeping_;                             // one sweep at a time; guards what is only its own:
  std::map<std::uint64_t, base::WallTime> fading_;  // volumes that lost fragments: when to make holes

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  struct Entry {
    RetentionPolicy policy;
    base::WallTime due;
  };
  std::map<StreamKey, Entry> policies_;
  std::set<std::pair<base::WallTime, StreamKey>> due_;  // when something of the stream may expire
  std::map<StreamKey, FragmentNumber> buried_;          // rows up to here are to be removed
  RetentionStats stats_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace streams
