// SPDX-License-Identifier: Apache-2.0
#pragma once
// The production VolumeStore: one writer thread, group commit.

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <variant>

#include "store/files/volume_files.hpp"
#include "store/volume_record.hpp"

namespace store {

// Callers queue records; the writer thread takes all that wait, writes them as one group, syncs once, and only then
// answers each. Groups begin some time apart, so that they grow with the load. The queue's mutex is
// never held during a file operation.
class FileVolumeStore final : public VolumeStore {
 public:
  FileVolumeStore(FileVolumeOptions options, FileLayer& layer, base::Random& random, std::uint64_t highest_volume);
  ~FileVolumeStore() override;  // writes what is queued

  void append(FragmentHeader header, Payload payload, Appended done) override;
  void append_tombstone(Tombstone tombstone, Buried done) override;
  base::Result<Payload> read(const StoredFragment& fragment) override;
  void flush() override;
  VolumeStats stats() const override;
  VolumeHealth health() const override;
  base::Result<void> visit(std::uint64_t volume,
                           const std::function<base::Result<void>(const StoredFragment&)>& visit) override;
  base::Result<void> punch(std::uint64_t volume, std::span<const VolumeRange> ranges) override;
  base::Result<void> remove_volume(std::uint64_t volume) override;
  base::Result<std::vector<std::uint64_t>> list_volumes() override;
  std::uint64_t open_volume() const override;
  void roll() override;
  base::Result<std::uint64_t> free_bytes() const override;

 private:
  struct Entry {
    RecordHeader header;
    Payload payload;  // null for a tombstone
    std::variant<Appended, Buried> done;
    std::uint64_t size() const { return payload ? payload->size() : 0; }
  };
  using Group = std::deque<Entry>;

  void enqueue(Entry entry);
  void run();
  void gather(std::unique_lock<std::mutex>& lock);
  Group take_group(std::unique_lock<std::mutex>& lock);
  void commit_group(Group& group);
  base::Result<void> write_somewhere(Group& group);
  base::Result<void> write_group(Group& group);
  bool wait_to_retry();
  void note_health(const base::Result<void>& result);
  base::Result<void> begin_volume();
  void seal_volume();
  void seal_if_due();
  void answer(Group& group, const base::Result<void>& result);
  base::Result<std::shared_ptr<File>> open_reader(std::uint64_t volume);

  const FileVolumeOptions options_;
  FileLayer& layer_;
  base::Random& random_;

  // Writer thread only.
  std::unique_ptr<File> file_;
  std::uint64_t volume_ = 0;
  std::uint64_t salt_ = 0;
  base::WallTime begun_;
  std::uint64_t end_ = 0;       // of what is durable
  std::uint64_t reserved_ = 0;  // size of the file
  std::uint64_t highest_volume_ = 0;
  std::chrono::steady_clock::time_point trouble_began_;  // while !health_.writable
  bool is_full_ = false;                                 // the trouble is a full disk
  std::chrono::steady_clock::time_point group_began_;
  std::uint64_t last_group_bytes_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable idle_;
  Group queue_;
  bool writing_ = false;
  bool stopping_ = false;
  bool roll_wanted_ = false;
  std::size_t flushing_ = 0;  // who waits in flush()
  VolumeStats stats_;
  VolumeHealth health_;
  std::uint64_t open_volume_ = 0;  // as volume_, for others

  std::mutex readers_mutex_;
  std::map<std::uint64_t, std::shared_ptr<File>> readers_;  // shared by the reads that are under way

  std::thread writer_;  // last: it uses all of the above
};

}  // namespace store
