// SPDX-License-Identifier: Apache-2.0
// Random lives of an archive against a model of it, on a disk that fails, fills up, tears and loses what was not
// synced.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "store/simulated_disk.hpp"
#include "streams/archive.hpp"

namespace streams {
namespace {

using store::SimulatedDisk;

constexpr std::size_t kStreamNames = 3;

// What was handed over of one stream, and what must therefore be there.
struct StreamModel {
  enum class State : std::uint8_t {
    Handed,        // not answered: may appear whole after a restart, or not
    Acknowledged,  // must be there until its retention ends
    Gone,          // past its retention, over the limit, or deleted: must never appear again
  };
  struct Entry {
    base::Bytes payload;
    State state = State::Handed;
  };
  RetentionPolicy policy{24, 0};
  std::map<std::uint64_t, Entry> fragments;  // by number
  std::uint64_t doubtful_through = 0;        // a removal up to here met an error: it may have happened

  void expire(base::WallTime now) {
    const FragmentNumber kept = first_kept(policy, now);
    for (auto& [number, entry] : fragments) {
      if (number < kept.value) entry.state = State::Gone;
    }
  }
};

// One archive on one simulated disk, and its model. The model is also what the catalog is to the archive: it says the
// retention of each stream after a start, and which streams were deleted.
class Life {
 public:
  Life(std::uint64_t seed, SimulatedDisk::Mutant mutant) : random_(seed), disk_(seed * 7 + 1) {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-model-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    for (std::uint64_t id = 1; id <= kStreamNames; ++id) models_[{id, 1}];
    mutant_ = mutant;
  }
  ~Life() {
    logs_.clear();
    archive_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Empty, or what was wrong.
  std::string run(int steps, bool with_faults) {
    open();
    for (int step = 0; step < steps && wrong_.empty(); ++step) {
      if (with_faults && random_.below(40) == 0) schedule_fault();
      take_step();
      if (wrong_.empty() && !disk_is_off() && random_.below(12) == 0) compare();
    }
    if (wrong_.empty()) crash();
    if (wrong_.empty()) compare();
    return wrong_;
  }

 private:
  void open() {
    ArchiveOptions options;
    options.directory = directory_;
    options.layer = &disk_;
    options.wall_clock = [this] { return now_.load(); };
    options.retention.interval = base::Duration::zero();
    options.retention.fading = std::chrono::minutes(20);
    options.retention.spread = std::chrono::microseconds::zero();
    options.volume_bytes = 150'000;
    options.write_patience = base::Duration::zero();
    auto opened = open_archive(options, readers_);
    if (!opened) {
      wrong_ = "does not open: " + opened.error().message;
      return;
    }
    archive_ = *std::move(opened);
    disk_.set_mutant(mutant_);
    for (auto& [key, model] : models_) static_cast<void>(archive_->set_retention(key, model.policy));
    for (const StreamKey key : deleted_) static_cast<void>(archive_->remove(key));
  }

  void schedule_fault() {
    using Fault = SimulatedDisk::Fault;
    static constexpr Fault kFaults[] = {Fault::Error, Fault::NoSpace, Fault::ShortWrite, Fault::PowerCut};
    disk_.schedule(1 + random_.below(12), kFaults[random_.below(4)]);
  }

  void take_step() {
    switch (random_.below(24)) {
      case 0:
        now_ = now_.load() + std::chrono::minutes(random_.below(90));
        return;
      case 1:
        return change_retention();
      case 2:
        if (random_.below(4) == 0) delete_stream();
        return;
      case 3:
      case 4:
        return sweep();
      case 5:
        if (random_.below(2) == 0) crash();
        return;
      case 6:
        return change_limit();
      case 7:
      case 8:
        archive_->flush();
        return;
      case 9:
        return take_snapshot();
      default:
        return append();
    }
  }

  std::shared_ptr<FragmentLog> log_of(StreamKey key) {
    auto& log = logs_[key];
    if (!log) log = archive_->log(key);
    return log;
  }

  StreamKey any_stream() {
    auto entry = models_.begin();
    std::advance(entry, random_.below(models_.size()));
    return entry->first;
  }

  void append() {
    now_ = now_.load() + std::chrono::seconds(random_.below(60));
    const StreamKey key = any_stream();
    const auto log = log_of(key);
    const FragmentNumber number = log->open_fragment(now_);
    if (random_.below(20) == 0) return log->abandon(number);
    base::Bytes payload(1 + random_.below(random_.below(4) == 0 ? 30'000 : 3'000));
    random_.fill(payload);
    const std::lock_guard lock(mutex_);
    models_[key].fragments[number.value] = {payload};
    FragmentDraft draft;
    draft.producer_time = draft.server_time = now_;
    draft.duration = std::chrono::seconds(2);
    draft.payload = std::make_shared<const base::Bytes>(std::move(payload));
    log->commit(number, std::move(draft), [this, key, number](base::Result<StoredFragment> result) {
      if (!result) return;
      const std::lock_guard answered(mutex_);
      const auto model = models_.find(key);
      if (model == models_.end()) return;
      StreamModel::State& state = model->second.fragments[number.value].state;
      if (state == StreamModel::State::Handed) state = StreamModel::State::Acknowledged;  // it may have expired since
    });
  }

  void change_retention() {
    const StreamKey key = any_stream();
    StreamModel& model = models_[key];
    model.expire(now_);
    RetentionPolicy wanted = model.policy;
    wanted.hours = 1 + static_cast<std::uint32_t>(random_.below(30));
    archive_->flush();
    const bool longer = wanted.hours > model.policy.hours;
    // As the catalog: an increase that cannot be made safe does not happen.
    if (!archive_->set_retention(key, wanted) && longer) return;
    model.policy = wanted;
    model.expire(now_);
  }

  void change_limit() {
    const StreamKey key = any_stream();
    RetentionPolicy& policy = models_[key].policy;
    policy.max_bytes = random_.below(2) == 0 ? 0 : 20'000 + random_.below(100'000);
    static_cast<void>(archive_->set_retention(key, policy));
  }

  void sweep() {
    archive_->flush();
    const auto done = archive_->sweep();
    for (auto& [key, model] : models_) {
      model.expire(now_);
      apply_limit(model, done.has_value());
    }
  }

  // The oldest go until the rest fits; only what is acknowledged counts.
  void apply_limit(StreamModel& model, bool certain) {
    if (model.policy.max_bytes == 0) return;
    std::uint64_t bytes = 0;
    for (const auto& [number, entry] : model.fragments) {
      if (entry.state == StreamModel::State::Acknowledged) bytes += entry.payload.size();
    }
    for (auto& [number, entry] : model.fragments) {
      if (bytes <= model.policy.max_bytes) return;
      if (entry.state != StreamModel::State::Acknowledged) continue;
      bytes -= entry.payload.size();
      if (certain) {
        entry.state = StreamModel::State::Gone;
      } else {
        model.doubtful_through = number;
      }
    }
  }

  void delete_stream() {
    const StreamKey key = any_stream();
    static_cast<void>(archive_->remove(key));
    deleted_.insert(key);
    logs_.erase(key);
    const std::lock_guard lock(mutex_);
    models_.erase(key);
    models_[{key.id, key.generation + 1}];
    static_cast<void>(
        archive_->set_retention({key.id, key.generation + 1}, models_[{key.id, key.generation + 1}].policy));
  }

  // Of the index, to be put back by a later crash: SQLite may lose its last transactions.
  void take_snapshot() {
    archive_->flush();
    const std::string to = directory_ + "/snapshot";
    std::filesystem::remove_all(to);
    std::filesystem::create_directory(to);
    copy_index(directory_, to);
    has_snapshot_ = true;
  }

  static void copy_index(const std::string& from, const std::string& to) {
    for (const char* name : {"/index.db", "/index.db-wal", "/index.db-shm"}) {
      std::filesystem::remove(to + name);
      if (std::filesystem::exists(from + name)) std::filesystem::copy(from + name, to + name);
    }
  }

  bool disk_is_off() { return !disk_.free_bytes("/").has_value(); }

  void crash() {
    const bool power = disk_is_off() || random_.below(2) == 0;
    if (random_.below(4) == 0) archive_->flush();
    disk_.cut_off();
    logs_.clear();
    archive_.reset();
    disk_.set_mutant(SimulatedDisk::Mutant::None);
    if (power) {
      disk_.power_on();
    } else {
      disk_.restart();
    }
    const auto fate = random_.below(4);
    if (fate == 0) {
      for (const char* name : {"/index.db", "/index.db-wal", "/index.db-shm"})
        std::filesystem::remove(directory_ + name);
    } else if (fate == 1 && has_snapshot_) {
      copy_index(directory_ + "/snapshot", directory_);
    }
    open();
    if (wrong_.empty()) adopt();
  }

  std::vector<StoredFragment> listed(StreamKey key) {
    auto found = shard_.run_blocking([&] { return log_of(key)->after({}, 10'000); });
    if (!found) {
      wrong_ = "cannot be listed: " + found.error().message;
      return {};
    }
    return *found;
  }

  // After a restart what was not acknowledged may be there; from then on it must stay. What was in doubt is decided.
  void adopt() {
    for (auto& [key, model] : models_) {
      model.expire(now_);
      std::set<std::uint64_t> present;
      for (const StoredFragment& fragment : listed(key)) present.insert(fragment.header.number.value);
      for (auto& [number, entry] : model.fragments) {
        if (entry.state == StreamModel::State::Handed) {
          entry.state = present.contains(number) ? StreamModel::State::Acknowledged : StreamModel::State::Gone;
        } else if (entry.state == StreamModel::State::Acknowledged && number <= model.doubtful_through &&
                   !present.contains(number)) {
          entry.state = StreamModel::State::Gone;
        }
      }
      model.doubtful_through = 0;
    }
  }

  void compare() {
    archive_->flush();
    if (disk_is_off()) return;  // a fault met that flush: the next restart decides
    for (auto& [key, model] : models_) {
      model.expire(now_);
      compare_stream(key, model);
      if (!wrong_.empty()) {
        wrong_ = "stream " + std::to_string(key.id) + ": " + wrong_;
        return;
      }
    }
    for (const StreamKey key : deleted_) {
      if (!listed(key).empty()) wrong_ = "a deleted stream shows fragments";
    }
  }

  void compare_stream(StreamKey key, const StreamModel& model) {
    std::set<std::uint64_t> present;
    for (const StoredFragment& fragment : listed(key)) {
      const std::uint64_t number = fragment.header.number.value;
      present.insert(number);
      const auto entry = model.fragments.find(number);
      if (entry == model.fragments.end()) {
        wrong_ = "a fragment that was never written";
        return;
      }
      if (entry->second.state == StreamModel::State::Gone) {
        wrong_ = "fragment " + std::to_string(number) + " came back";
        return;
      }
      auto payload = shard_.run_blocking([&] { return log_of(key)->read(fragment); });
      if (!payload) {
        wrong_ = "listed and unreadable: " + payload.error().message;
        return;
      }
      if (**payload != entry->second.payload) {
        wrong_ = "a payload is not what was written";
        return;
      }
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [number, entry] : model.fragments) {
      if (entry.state != StreamModel::State::Acknowledged || number <= model.doubtful_through) continue;
      if (!present.contains(number)) wrong_ = "acknowledged fragment " + std::to_string(number) + " is missing";
    }
  }

  base::SeededRandom random_;
  SimulatedDisk disk_;
  SimulatedDisk::Mutant mutant_ = SimulatedDisk::Mutant::None;
  std::string directory_;
  std::atomic<base::WallTime> now_ = base::from_microseconds(1'790'000'000'000'000);  // the archive's threads read it
  std::string wrong_;
  bool has_snapshot_ = false;
  std::mutex mutex_;  // callbacks come on the store's thread
  std::map<StreamKey, StreamModel> models_;
  std::set<StreamKey> deleted_;
  async::DiskWorker readers_{{"readers", 1, 4096}};
  std::unique_ptr<Archive> archive_;
  std::map<StreamKey, std::shared_ptr<FragmentLog>> logs_;
  async::Shard shard_{"model"};
};

std::uint64_t seeds(std::uint64_t few) {
  const char* asked = std::getenv("TIDEGATE_SEEDS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : few;
}

class Quiet {
 public:
  Quiet() { base::set_log_level(base::LogLevel::Off); }
  ~Quiet() { base::set_log_level(base::LogLevel::Info); }
};

TEST(ArchiveModel, AgreesWithTheArchiveThroughCrashes) {
  const Quiet quiet;
  for (std::uint64_t seed = 1; seed <= seeds(60); ++seed) {
    ASSERT_EQ(Life(seed, SimulatedDisk::Mutant::None).run(200, false), "") << "seed " << seed;
  }
}

TEST(ArchiveModel, AgreesWithTheArchiveOnADiskThatFails) {
  const Quiet quiet;
  for (std::uint64_t seed = 1; seed <= seeds(60); ++seed) {
    ASSERT_EQ(Life(seed + 1'000'000, SimulatedDisk::Mutant::None).run(200, true), "") << "seed " << seed;
  }
}

TEST(ArchiveModel, SeesAStoreThatDoesNotSync) {
  const Quiet quiet;
  for (const auto mutant : {SimulatedDisk::Mutant::SyncDoesNothing, SimulatedDisk::Mutant::SyncComesLate}) {
    std::string wrong;
    for (std::uint64_t seed = 1; seed <= 100 && wrong.empty(); ++seed) wrong = Life(seed, mutant).run(200, true);
    EXPECT_NE(wrong, "") << "mutant " << static_cast<int>(mutant);
  }
}

}  // namespace
}  // namespace streams
