// SPDX-License-Identifier: Apache-2.0
#include "streams/archive.hpp"

#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <set>

#include "async/secure_random.hpp"
#include "base/log.hpp"
#include "streams/stream_log.hpp"

namespace streams {
namespace {

constexpr std::size_t kRecentAtStart = 64;

class VolumeArchive final : public Archive {
 public:
  VolumeArchive(std::size_t cache_bytes, std::unique_ptr<store::DirectoryLock> lock,
                std::unique_ptr<store::FragmentIndex> index, async::DiskWorker& readers,
                std::function<base::WallTime()> wall_clock)
      : lock_(std::move(lock)), index_(std::move(index)), cache_(cache_bytes), index_writer_(*index_) {
    around_.index = index_.get();
    around_.index_writer = &index_writer_;
    around_.cache = &cache_;
    around_.readers = &readers;
    around_.wall_clock = std::move(wall_clock);
  }

  // Before anything is read or written.
  base::Result<void> open(store::FileVolumeOptions options, store::FileLayer& layer) {
    TRY(const auto marks, index_->marks());
    store::RecoveredRecords recovered;
    TRY(volumes_, store::open_file_volumes(std::move(options), layer, random_, marks, recovered));
    around_.volumes = volumes_.get();
    for (const auto& [tombstone, place] : recovered.tombstones) {
      TRY_VOID(index_->bury(tombstone, place.volume));
    }
    TRY_VOID(index_->insert(recovered.fragments, recovered.marks));
    TRY(const auto buried, index_->buried_streams());
    for (const store::BuriedStream& each : buried) {
      if (each.tombstone.through.value == UINT64_MAX) removed_.insert(each.tombstone.stream);
    }
    found_at_start_ = recovered.fragments.size();
    if (recovered.damaged_payloads + recovered.damaged_places > 0) {
      base::log_warning("{} damaged records and {} damaged places were skipped in the volumes",
                        recovered.damaged_payloads, recovered.damaged_places);
    }
    return {};
  }

  std::shared_ptr<FragmentLog> log(StreamKey stream) override {
    const std::lock_guard lock(mutex_);
    return find_or_make(stream);
  }

  void set_retention(StreamKey stream, std::uint32_t hours) override {
    const std::lock_guard lock(mutex_);
    retention_[stream] = hours;
    if (const auto log = logs_[stream].lock()) log->set_retention(hours);
  }

  base::Result<void> remove(StreamKey stream) override {
    {
      const std::lock_guard lock(mutex_);
      if (removed_.contains(stream)) return {};
      // Held in the map's stead: whoever asks for it later gets an empty log.
      find_or_make(stream)->mark_deleted();
    }
    std::promise<base::Result<store::RecordPlace>> durable;
    auto answer = durable.get_future();
    const store::Tombstone tombstone{stream, {UINT64_MAX}};
    volumes_->append_tombstone(tombstone, [this, &durable, tombstone](base::Result<store::RecordPlace> place) {
      if (place) index_writer_.push(tombstone, *place);
      durable.set_value(std::move(place));
    });
    const auto place = answer.get();
    if (!place) return base::fail(place.error());
    index_writer_.flush();
    const std::lock_guard lock(mutex_);
    removed_.insert(stream);
    retention_.erase(stream);
    return {};
  }

  void flush() override {
    volumes_->flush();
    index_writer_.flush();
  }

  ArchiveStats stats() const override {
    ArchiveStats stats;
    stats.volumes = volumes_->stats();
    stats.fragments_found_at_start = found_at_start_;
    stats.cache_hits = around_.cache_hits;
    stats.cache_misses = around_.cache_misses;
    stats.index_failures = index_writer_.failures();
    return stats;
  }

 private:
  // Needs mutex_.
  std::shared_ptr<StreamLog> find_or_make(StreamKey stream) {
    auto& known = logs_[stream];
    if (auto log = known.lock()) return log;
    FragmentNumber last;
    std::vector<StoredFragment> recent;
    const auto last_number = index_->last_number(stream);
    auto newest = index_->newest(stream, kRecentAtStart);
    if (last_number && newest) {
      last = *last_number;
      recent = *std::move(newest);
    } else {
      base::log_error("the fragment index cannot be read: {}",
                      last_number ? newest.error().message : last_number.error().message);
    }
    const auto hours = retention_.find(stream);
    auto log = std::make_shared<StreamLog>(around_, stream, last, std::move(recent),
                                           hours == retention_.end() ? kKeepForEver : hours->second);
    if (removed_.contains(stream)) log->mark_deleted();
    // Fragments on their way to the index keep their log alive, so a log made anew finds all rows there.
    known = log;
    return log;
  }

  async::SecureRandom random_;
  std::unique_ptr<store::DirectoryLock> lock_;
  std::unique_ptr<store::FragmentIndex> index_;
  PayloadCache cache_;
  IndexWriter index_writer_;
  LogSurroundings around_;
  std::uint64_t found_at_start_ = 0;
  std::mutex mutex_;
  std::map<StreamKey, std::weak_ptr<StreamLog>> logs_;
  std::map<StreamKey, std::uint32_t> retention_;
  std::set<StreamKey> removed_;
  std::unique_ptr<store::VolumeStore> volumes_;  // last: its end answers everything that is queued, through the above
};

base::Result<std::unique_ptr<store::FragmentIndex>> open_index(const std::string& path) {
  auto index = store::open_sqlite_index(path);
  if (index || index.error().code != base::Errc::Corrupt) return index;
  // Nothing is lost: the volumes are the truth, and with no marks they are read from the beginning.
  base::log_error("{}; making the index anew from the volumes", index.error().message);
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::rename(path + suffix, path + suffix + ".damaged", ignored);
  }
  return store::open_sqlite_index(path);
}

}  // namespace

base::Result<std::unique_ptr<Archive>> open_archive(ArchiveOptions options, async::DiskWorker& readers) {
  store::FileLayer& layer = options.layer != nullptr ? *options.layer : store::posix_files();
  TRY_VOID(store::posix_files().make_directory(options.directory));
  TRY(auto lock, store::posix_files().lock(options.directory + "/lock"));
  TRY(auto index, open_index(options.directory + "/index.db"));
  auto wall_clock = options.wall_clock ? options.wall_clock : [] { return async::wall_now(); };
  auto archive =
      std::make_unique<VolumeArchive>(options.cache_bytes, std::move(lock), std::move(index), readers, wall_clock);
  store::FileVolumeOptions volumes;
  volumes.directory = options.directory + "/volumes";
  volumes.max_queued_bytes = options.max_queued_bytes;
  volumes.wall_clock = std::move(wall_clock);
  TRY_VOID(archive->open(std::move(volumes), layer));
  return archive;
}

}  // namespace streams
