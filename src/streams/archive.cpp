// SPDX-License-Identifier: Apache-2.0
#include "streams/archive.hpp"

#include <algorithm>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <span>

#include "async/secure_random.hpp"
#include "base/log.hpp"
#include "streams/stream_log.hpp"

namespace streams {
namespace {

constexpr std::size_t kRecentAtStart = 64;
// Above the floor, or a full disk: what is derived stops growing before recordings are in want.
constexpr std::uint64_t kDerivedHeadroom = 256ULL << 20U;

class VolumeArchive final : public Archive {
 public:
  VolumeArchive(const ArchiveOptions& options, std::unique_ptr<store::DirectoryLock> lock,
                std::unique_ptr<store::FragmentIndex> index, async::DiskWorker& readers)
      : lock_(std::move(lock)), index_(std::move(index)), cache_(options.cache_bytes), index_writer_(*index_) {
    around_.index = index_.get();
    around_.index_writer = &index_writer_;
    around_.cache = &cache_;
    around_.readers = &readers;
    around_.wall_clock = options.wall_clock;
    around_.committed = options.committed;
    around_.opened = options.wall_clock();
  }

  // Before anything is read or written.
  base::Result<void> open(const ArchiveOptions& options, store::FileLayer& layer) {
    TRY(const auto marks, index_->marks());
    store::RecoveredRecords recovered;
    store::FileVolumeOptions volumes = volume_options(options);
    volumes.take = [this, &options](store::RecoveredRecords& records, std::size_t done, std::size_t all) {
      if (options.progress) options.progress(done, all);
      return take_recovered(records);
    };
    TRY(volumes_, store::open_file_volumes(std::move(volumes), layer, random_, marks, recovered));
    around_.volumes = volumes_.get();
    if (recovered.damaged_payloads + recovered.damaged_places > 0) {
      base::log_warning("{} damaged records and {} damaged places were skipped in the volumes",
                        recovered.damaged_payloads, recovered.damaged_places);
    }
    TRY_VOID(forget_missing_volumes());
    TRY(const auto buried, index_->buried_streams());
    for (const store::BuriedStream& each : buried) buried_[each.tombstone.stream] = each.tombstone.through;
    open_derived(options);
    RetentionOptions retention = options.retention;
    retention.wall_clock = options.wall_clock;
    retention.prune_live_buffers = [this] { around_.kept.prune(); };
    if (derived_ != nullptr) {
      retention.forget_derived = [this](StreamKey stream, FragmentNumber through) {
        return derived_->forget(stream, through);
      };
      retention.make_room = [this](std::uint64_t bytes) { derived_->give_way(bytes); };
    }
    retention_ =
        std::make_unique<Retention>(std::move(retention), *volumes_, *index_, index_writer_,
                                    [this](std::span<const store::Tombstone> tombstones) { return bury(tombstones); });
    return retention_->start();
  }

  std::shared_ptr<FragmentLog> log(StreamKey stream) override {
    const std::lock_guard lock(mutex_);
    return find_or_make(stream);
  }

  base::Result<void> set_retention(StreamKey stream, RetentionPolicy policy) override {
    std::optional<RetentionPolicy> old;
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = policies_.find(stream); known != policies_.end()) old = known->second;
    }
    if (old && policy.hours > old->hours) {
      TRY_VOID(bury_expired(stream, *old));
    }
    const std::lock_guard lock(mutex_);
    policies_[stream] = policy;
    if (const auto log = logs_[stream].lock()) log->set_retention(policy.hours);
    if (!old || *old != policy) retention_->set_policy(stream, policy);
    return {};
  }

  base::Result<void> remove(StreamKey stream) override {
    {
      const std::lock_guard lock(mutex_);
      if (is_buried(stream)) return {};
      // Whether its tombstone becomes durable or not: whoever asks for it later gets an empty log.
      deleted_.insert(stream);
      find_or_make(stream)->mark_deleted();
      policies_.erase(stream);
    }
    retention_->forget_stream(stream);
    const store::Tombstone whole{stream, {UINT64_MAX}};
    return bury({&whole, 1});
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
    stats.unindexed = index_writer_.waiting();
    std::ranges::copy(around_.gaps, stats.gaps.begin());
    stats.retention = retention_->stats();
    return stats;
  }

  store::VolumeHealth health() const override { return volumes_->health(); }
  base::Result<std::vector<store::StreamUse>> uses() override { return index_->stream_uses(); }
  base::Result<void> sweep() override { return retention_->sweep(); }
  store::DerivedFiles* derived() override { return derived_.get(); }

 private:
  static store::FileVolumeOptions volume_options(const ArchiveOptions& options) {
    store::FileVolumeOptions volumes;
    volumes.directory = options.directory + "/volumes";
    volumes.max_queued_bytes = options.max_queued_bytes;
    volumes.wall_clock = options.wall_clock;
    volumes.volume_bytes = options.volume_bytes;
    volumes.reserve_bytes = std::min(volumes.reserve_bytes, options.volume_bytes);
    volumes.volume_age = options.volume_age;
    volumes.patience = options.write_patience;
    return volumes;
  }

  base::Result<void> take_recovered(store::RecoveredRecords& records) {
    for (const auto& [tombstone, place] : records.tombstones) {
      TRY_VOID(index_->bury(tombstone, place.volume));
    }
    TRY_VOID(index_->insert(records.fragments, records.marks));
    found_at_start_ += records.fragments.size();
    records.fragments.clear();
    records.tombstones.clear();
    records.marks.clear();
    return {};
  }

  // A cache that cannot be opened is none. One that is not wanted is removed: nobody would delete from it.
  void open_derived(const ArchiveOptions& options) {
    const std::string directory = options.directory + "/cache";
    if (options.derived_bytes == 0) {
      std::error_code error;
      std::filesystem::remove_all(directory, error);
      if (error) base::log_warning("the rendering cache {} cannot be removed: {}", directory, error.message());
      return;
    }
    store::DerivedOptions derived;
    derived.directory = directory;
    derived.budget = options.derived_bytes;
    derived.keep_free = options.retention.free_space_floor + kDerivedHeadroom;
    auto opened = store::DerivedFiles::open(std::move(derived), store::posix_files());
    if (!opened) {
      base::log_warning("no rendering cache: {}", opened.error().message);
      return;
    }
    derived_ = *std::move(opened);
    if (const auto done = forget_derived_of_gone(); !done) {
      base::log_warning("the rendering cache keeps sound of deleted recordings until the next start: {}",
                        done.error().message);
    }
  }

  // What an earlier process, or a lost volume, left behind. What is gone is a prefix of its stream (ADR 6).
  base::Result<void> forget_derived_of_gone() {
    for (const auto& [stream, newest] : derived_->streams()) {
      TRY(const auto oldest, index_->after(stream, {}, 1));
      const FragmentNumber through = oldest.empty() ? newest : FragmentNumber{oldest.front().header.number.value - 1};
      TRY_VOID(derived_->forget(stream, std::min(through, newest)));
    }
    return {};
  }

  // A power cut may bring rows back whose volume was removed: the index is synced less often than the directory.
  base::Result<void> forget_missing_volumes() {
    TRY(const auto there, volumes_->list_volumes());
    TRY(const auto uses, index_->volume_uses());
    for (const store::VolumeUse& use : uses) {
      if (std::ranges::binary_search(there, use.volume)) continue;
      if (use.live > 0) base::log_warning("volume {:016x} is missing, with {} fragments", use.volume, use.live);
      TRY_VOID(index_->forget_volume(use.volume));
    }
    return {};
  }

  // Durable, in the index, and hidden when this returns.
  base::Result<void> bury(std::span<const store::Tombstone> tombstones) {
    std::vector<std::future<base::Result<store::RecordPlace>>> answers;
    for (const store::Tombstone& tombstone : tombstones) {
      auto durable = std::make_shared<std::promise<base::Result<store::RecordPlace>>>();  // shared with the callback
      answers.push_back(durable->get_future());
      volumes_->append_tombstone(tombstone, [this, durable, tombstone](base::Result<store::RecordPlace> place) {
        if (place) index_writer_.push(tombstone, *place);
        durable->set_value(std::move(place));
      });
    }
    base::Result<void> done;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto place = answers[i].get();
      if (place) {
        hide(tombstones[i]);
      } else {
        done = base::fail(place.error());
      }
    }
    if (!answers.empty()) index_writer_.flush();
    return done;
  }

  void hide(const store::Tombstone& tombstone) {
    {
      const std::lock_guard lock(mutex_);
      FragmentNumber& through = buried_[tombstone.stream];
      through = std::max(through, tombstone.through);
      if (const auto log = logs_[tombstone.stream].lock()) log->hide_through(through);
    }
    retention_->handle_buried(tombstone);
  }

  // Before a longer retention: what has expired so far must not show again, neither now nor after a rebuild.
  base::Result<void> bury_expired(StreamKey stream, const RetentionPolicy& old) {
    const std::shared_ptr<StreamLog> log = find_log(stream);
    const FragmentNumber last = log->last_number();
    const FragmentNumber kept = first_kept(old, around_.wall_clock());
    const FragmentNumber through{std::min(last.value, std::max<std::uint64_t>(kept.value, 1) - 1)};
    if (through.value == 0) return {};
    const store::Tombstone expired{stream, through};
    return bury({&expired, 1});
  }

  std::shared_ptr<StreamLog> find_log(StreamKey stream) {
    const std::lock_guard lock(mutex_);
    return find_or_make(stream);
  }

  bool is_buried(StreamKey stream) const {  // needs mutex_
    const auto buried = buried_.find(stream);
    return buried != buried_.end() && buried->second.value == UINT64_MAX;
  }

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
    const auto policy = policies_.find(stream);
    auto log = std::make_shared<StreamLog>(around_, stream, last, std::move(recent),
                                           policy == policies_.end() ? kKeepForEver : policy->second.hours);
    if (const auto buried = buried_.find(stream); buried != buried_.end()) log->hide_through(buried->second);
    if (is_buried(stream) || deleted_.contains(stream)) log->mark_deleted();
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
  std::map<StreamKey, RetentionPolicy> policies_;
  std::map<StreamKey, FragmentNumber> buried_;   // the largest number: the stream is deleted for good
  std::set<StreamKey> deleted_;                  // by this process
  std::unique_ptr<store::VolumeStore> volumes_;  // its end answers everything that is queued, through the above
  std::unique_ptr<store::DerivedFiles> derived_;
  std::unique_ptr<Retention> retention_;  // last: it uses all of the above
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
  if (!options.wall_clock) options.wall_clock = [] { return async::wall_now(); };
  auto archive = std::make_unique<VolumeArchive>(options, std::move(lock), std::move(index), readers);
  TRY_VOID(archive->open(options, layer));
  return archive;
}

}  // namespace streams
