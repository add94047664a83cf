// SPDX-License-Identifier: Apache-2.0
#pragma once
// What was derived from fragments at some cost, kept on disk up to a budget (docs/adr/0010). Nothing here is missed
// when it is lost: every failure is a miss.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "store/derived_entry.hpp"
#include "store/file_layer.hpp"

namespace store {

struct DerivedOptions {
  std::string directory;                            // of these files alone; made if missing
  std::uint64_t budget = 1U << 30;                  // bytes of all files, each rounded up to blocks of 4096
  std::uint64_t keep_free = 0;                      // nothing is written that would leave the file system less
  std::size_t most_entries = 1U << 20;              // bounds the memory of the index, about 150 bytes each
  base::Duration pause = std::chrono::seconds(60);  // nothing is written for so long after trouble
};

struct DerivedStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t damaged = 0;   // of those: the file was torn or changed
  std::uint64_t outdated = 0;  // of those: derived in another way
  std::uint64_t written = 0;
  std::uint64_t evicted = 0;   // for the budget, or because the disk is short
  std::uint64_t refused = 0;   // not written: the disk is short, or in trouble
  std::uint64_t failures = 0;  // operations of the disk that failed
  std::uint64_t bytes = 0;     // now, as the budget counts them
  std::uint64_t entries = 0;   // now
};

// Any thread; every call but ticket() and stats() blocks on the disk: not on a shard. One file an entry; the least
// recently used goes first, also across restarts (by the files' times). Nothing is synced.
class DerivedFiles {
 public:
  // Takes stock of what is there. `layer` outlives it; the data directory's lock is held.
  static base::Result<std::unique_ptr<DerivedFiles>> open(DerivedOptions options, FileLayer& layer);

  // The payload that was put under this name and tag; nothing otherwise, for whatever reason.
  std::optional<base::Bytes> find(const DerivedName& name, std::string_view tag);

  // What is derived from a fragment that is visible after this call may be put with it.
  std::uint64_t ticket() const { return forgets_; }
  // Not what was forgotten since the ticket: a slow derivation brings nothing back.
  void put(const DerivedName& name, std::string_view tag, base::ByteView payload, std::uint64_t ticket);

  // Removes what was derived from the stream's fragments up to this number. On an error some of it may be there
  // still: to be called again.
  base::Result<void> forget(StreamKey stream, FragmentNumber through);
  // Evicts until so many bytes are free again, or nothing is left, and writes nothing for a while. Gives the bytes.
  std::uint64_t give_way(std::uint64_t bytes);

  // Each stream that has entries, with the newest number.
  std::vector<std::pair<StreamKey, FragmentNumber>> streams() const;
  DerivedStats stats() const;

 private:
  struct Entry {
    DerivedName name;
    std::uint64_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the most recently used first
  struct Forgotten {
    std::uint64_t count;
    StreamKey stream;
    FragmentNumber through;
  };
  struct Counters {
    std::atomic<std::uint64_t> hits = 0, misses = 0, damaged = 0, outdated = 0, written = 0, evicted = 0, refused = 0,
                               failures = 0, bytes = 0, entries = 0;
  };

  DerivedFiles(DerivedOptions options, FileLayer& layer) : options_(std::move(options)), layer_(layer) {}
  base::Result<void> take_stock();
  std::string path_of(const DerivedName& name) const;
  std::unique_ptr<File> open_entry(const DerivedName& name, std::uint64_t& limit);
  void drop(const DerivedName& name);
  // These need mutex_.
  base::Result<void> remove(std::map<DerivedName, Entries::iterator>::iterator place);
  base::Result<void> evict_for(std::uint64_t bytes);
  base::Result<void> write(const DerivedName& name, base::ByteView bytes);
  void add(const DerivedName& name, std::uint64_t bytes);
  bool was_forgotten(const DerivedName& name, std::uint64_t ticket) const;
  void note_trouble(const base::Error& error);

  const DerivedOptions options_;
  FileLayer& layer_;
  mutable std::mutex mutex_;  // held across writes and removals, not across reads
  Entries entries_;
  std::map<DerivedName, Entries::iterator> places_;
  std::atomic<std::uint64_t> forgets_ = 0;
  std::deque<Forgotten> forgotten_;  // the latest
  std::chrono::steady_clock::time_point resume_{};
  bool in_trouble_ = false;  // since the last log line
  Counters counters_;
};

}  // namespace store
