// SPDX-License-Identifier: Apache-2.0
#pragma once
// A disk in memory for tests: operations that fail on demand, and power cuts that lose what was not synced.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "store/file_layer.hpp"

namespace store {

// Any thread. Remembers for each file what is durable and which 4 KiB pages are not; a power cut keeps, loses or tears
// each of those by chance, and forgets directory entries whose directory was not synced.
class SimulatedDisk final : public FileLayer {
 public:
  enum class Fault : std::uint8_t {
    Error,       // the operation does nothing and fails (Io)
    NoSpace,     // a write does half of it and fails (Unavailable); other operations: nothing done
    ShortWrite,  // a write does half of it and says so; other operations work
    PowerCut,    // a write does half of it, then everything fails until power_on()
  };
  // How a wrong store would behave; each must be caught by the tests.
  enum class Mutant : std::uint8_t {
    None,
    SyncDoesNothing,
    SyncComesLate,  // answers at once, durable with the next operation: an acknowledgement before the sync
  };

  explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

  // The operation with this number, counted from now and from 1, meets the fault. Writes, syncs, creations, cuts,
  // removals and directory syncs count; reads do not.
  void schedule(std::uint64_t operation, Fault fault);
  bool fault_happened() const;
  // Every write fails as on a full disk, until it is set back.
  void set_full(bool full);
  void set_mutant(Mutant mutant);
  // Everything fails from now on, as for a process that was killed: orderly ends reach nothing.
  void cut_off();
  // Loses what is not durable. Files opened before are dead.
  void power_on();
  // After a killed process: nothing is lost, nothing becomes durable. Files opened before are dead.
  void restart();

  // What free_bytes() is reckoned from; only that: writes do not fail for it.
  void set_capacity(std::uint64_t bytes);
  // Bytes of all files, holes excepted.
  std::uint64_t used_bytes() const;
  std::vector<std::string> paths() const;

  // For tests that damage a file: its present contents.
  base::Bytes& contents(const std::string& path);
  std::uint64_t sync_count() const;

  base::Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  base::Result<std::vector<std::string>> list(const std::string& directory) override;
  base::Result<void> make_directory(const std::string& directory) override;
  base::Result<void> remove(const std::string& path) override;
  base::Result<void> sync_directory(const std::string& directory) override;
  base::Result<std::uint64_t> free_bytes(const std::string& directory) override;
  base::Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;

 private:
  friend class SimulatedFile;
  struct Node {
    base::Bytes now;
    base::Bytes durable;
    std::set<std::size_t> dirty;  // pages
    std::set<std::size_t> holes;  // pages without space
  };
  enum class Verdict : std::uint8_t { Proceed, Fail, FailFull, HalfThenFail, HalfThenFull, Half };

  // Each needs mutex_.
  Verdict begin_operation();
  void make_durable(Node& node);
  void finish_late_syncs();
  void lose_pages(Node& node);
  void write(Node& node, std::size_t offset, base::ByteView bytes);
  void resize(Node& node, std::size_t size);
  void punch(Node& node, std::size_t offset, std::size_t size);
  std::uint64_t used_now() const;

  mutable std::mutex mutex_;
  base::SeededRandom random_;
  std::map<std::string, std::shared_ptr<Node>> names_;  // shared by the directory and the open files
  std::map<std::string, std::shared_ptr<Node>> durable_names_;
  std::set<std::shared_ptr<Node>> late_syncs_;
  std::uint64_t operations_ = 0;
  std::uint64_t syncs_ = 0;
  std::map<std::uint64_t, Fault> faults_;
  bool fault_happened_ = false;
  bool full_ = false;
  std::uint64_t capacity_ = 1ULL << 40U;
  bool off_ = false;
  std::uint64_t boots_ = 0;
  std::set<std::string> locks_;
  Mutant mutant_ = Mutant::None;
};

}  // namespace store
