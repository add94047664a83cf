// SPDX-License-Identifier: Apache-2.0
#include "store/files/file_volume_store.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "store/crc32c.hpp"
#include "store/files/direct_writer.hpp"

namespace store {
namespace {

// A group begins no sooner than this after the one before: a sync costs nearly the same for one fragment as for many,
// and fragments are seconds long. What comes after a pause is written at once. After a large group the next one waits
// longer: many write then, and nobody waits for the answer to a small fragment before the next.
constexpr auto kCommitInterval = std::chrono::milliseconds(20);
constexpr auto kLongCommitInterval = std::chrono::milliseconds(50);
constexpr std::uint64_t kLargeGroup = DirectWriter::kLeast;  // bytes

}  // namespace

FileVolumeStore::FileVolumeStore(FileVolumeOptions options, FileLayer& layer, base::Random& random,
                                 std::uint64_t highest_volume)
    : options_(std::move(options)), layer_(layer), random_(random), highest_volume_(highest_volume) {
  writer_ = std::thread([this] { run(); });
}

FileVolumeStore::~FileVolumeStore() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  writer_.join();
}

void FileVolumeStore::append(FragmentHeader header, Payload payload, Appended done) {
  Entry entry;
  entry.header.type = RecordType::Fragment;
  entry.header.fragment = header;
  entry.header.payload_size = payload->size();
  // Here and not on the writer's thread: who has just written it has it in its cache.
  entry.header.payload_crc = crc32c(*payload);
  entry.payload = std::move(payload);
  entry.done = std::move(done);
  enqueue(std::move(entry));
}

void FileVolumeStore::append_tombstone(Tombstone tombstone, Buried done) {
  Entry entry;
  entry.header.type = RecordType::Tombstone;
  entry.header.fragment.stream = tombstone.stream;
  entry.header.fragment.number = tombstone.through;
  entry.done = std::move(done);
  enqueue(std::move(entry));
}

void FileVolumeStore::enqueue(Entry entry) {
  const std::uint64_t size = entry.size();
  CHECK(size <= kMaxPayloadSize);
  std::unique_lock lock(mutex_);
  if (stopping_ || stats_.queued_bytes + size > options_.max_queued_bytes) {
    const bool stopping = stopping_;
    ++stats_.failed_appends;
    lock.unlock();
    const base::Error error = stopping ? base::Error{base::Errc::Cancelled, "the store is closing"}
                                       : base::Error{base::Errc::Unavailable, "the disk does not keep up"};
    std::visit([&error](auto& done) { done(base::fail(error)); }, entry.done);
    return;
  }
  const std::uint64_t waited = stats_.queued_bytes;
  stats_.queued_bytes += size;
  queue_.push_back(std::move(entry));
  // The writer is woken to begin a group, not for each record of it.
  const bool is_first = queue_.size() == 1;
  const bool is_full = waited <= options_.group_bytes && stats_.queued_bytes > options_.group_bytes;
  lock.unlock();
  if (is_first || is_full) arrived_.notify_all();
}

void FileVolumeStore::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [this] { return stopping_ || roll_wanted_ || !queue_.empty(); });
    if (queue_.empty() && !roll_wanted_) break;
    gather(lock);
    Group group = take_group(lock);
    const bool roll = std::exchange(roll_wanted_, false);
    writing_ = true;
    lock.unlock();
    if (!group.empty()) commit_group(group);
    group.clear();
    if (roll) seal_volume();
    lock.lock();
    writing_ = false;
    if (queue_.empty() && !roll_wanted_) idle_.notify_all();
  }
  lock.unlock();
  seal_volume();
}

// Nobody waits who flushes, rolls or stops.
void FileVolumeStore::gather(std::unique_lock<std::mutex>& lock) {
  const auto interval = last_group_bytes_ >= kLargeGroup ? kLongCommitInterval : kCommitInterval;
  arrived_.wait_until(lock, group_began_ + interval, [this] {
    return stopping_ || roll_wanted_ || flushing_ > 0 || stats_.queued_bytes > options_.group_bytes;
  });
  group_began_ = std::chrono::steady_clock::now();
}

FileVolumeStore::Group FileVolumeStore::take_group(std::unique_lock<std::mutex>& lock) {
  CHECK(lock.owns_lock());
  Group group;
  std::uint64_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front().size() <= options_.group_bytes)) {
    bytes += queue_.front().size();
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  last_group_bytes_ = bytes;
  return group;
}

void FileVolumeStore::commit_group(Group& group) {
  seal_if_due();
  base::Result<void> result = write_somewhere(group);
  note_health(result);
  while (!result && wait_to_retry()) {
    result = write_somewhere(group);
    note_health(result);
  }
  answer(group, result);
  seal_if_due();
}

// What a failed write or sync left behind is unknown: the records go to a new volume, from memory. A full disk is
// different: nothing is wrong with the volume, and there is no room for another.
base::Result<void> FileVolumeStore::write_somewhere(Group& group) {
  base::Result<void> result = write_group(group);
  if (result || result.error().code == base::Errc::Unavailable) return result;
  seal_volume();
  {
    const std::lock_guard lock(mutex_);
    stats_.rewritten += group.size();
  }
  result = write_group(group);
  if (!result) seal_volume();
  return result;
}

// Says once that there is trouble, and once that it is over. A disk that was full is well again when there is room for
// more than the odd small fragment.
void FileVolumeStore::note_health(const base::Result<void>& result) {
  const std::lock_guard lock(mutex_);
  if (result.has_value() == health_.writable) return;
  if (result && is_full_) {
    const auto free = layer_.free_bytes(options_.directory);
    if (free && *free < options_.reserve_bytes) return;
  }
  is_full_ = !result && result.error().code == base::Errc::Unavailable;
  health_.writable = result.has_value();
  if (result) {
    base::log_info("the volumes can be written again");
    health_.reason.clear();
    return;
  }
  trouble_began_ = std::chrono::steady_clock::now();
  health_.reason = result.error().message;
  if (options_.wall_clock) health_.since = options_.wall_clock();
  base::log_error("recordings cannot be written: {}; trying again until it works", health_.reason);
}

// False when the trouble has lasted too long for what waits.
bool FileVolumeStore::wait_to_retry() {
  const auto give_up = trouble_began_ + options_.patience;
  const auto next = std::chrono::steady_clock::now() + options_.retry_interval;
  if (next > give_up) return false;
  std::unique_lock lock(mutex_);
  arrived_.wait_until(lock, next, [this] { return stopping_; });
  return !stopping_;
}

base::Result<void> FileVolumeStore::write_group(Group& group) {
  if (!file_) {
    TRY_VOID(begin_volume());
  }
  const std::uint64_t begin = align_up(end_, kBlock);
  std::uint64_t at = begin;
  std::deque<std::array<std::uint8_t, kRecordHeaderSize>> headers;
  std::vector<base::ByteView> pieces;
  static constexpr std::array<std::uint8_t, kRecordAlignment> kPadding{};
  for (Entry& entry : group) {
    entry.header.salt = salt_;
    entry.header.offset = at;
    headers.push_back(write_record_header(entry.header));
    pieces.emplace_back(headers.back());
    if (entry.payload) pieces.emplace_back(*entry.payload);
    const std::uint64_t unpadded = kRecordHeaderSize + entry.size();
    pieces.push_back(base::ByteView(kPadding).first(static_cast<std::size_t>(entry.header.extent() - unpadded)));
    at += entry.header.extent();
  }
  // To the end of its block, so that all of a large group can go around the page cache.
  static constexpr std::array<std::uint8_t, kBlock> kRest{};
  pieces.push_back(base::ByteView(kRest).first(static_cast<std::size_t>(align_up(at, kBlock) - at)));
  if (options_.reserve_bytes > 0 && at > reserved_) {
    const std::uint64_t wanted = align_up(at, options_.reserve_bytes);
    if (file_->reserve(wanted)) reserved_ = wanted;
  }
  auto result = write_all(*file_, begin, pieces);
  if (result) {
    result = file_->sync();
    if (!result) {
      const std::lock_guard lock(mutex_);
      ++stats_.failed_syncs;
    }
  }
  if (!result) {
    // Half a group must not be taken for committed at the next start.
    const auto cut = file_->truncate(end_);
    if (!cut && result.error().code == base::Errc::Unavailable) seal_volume();
    reserved_ = end_;
    return result;
  }
  end_ = at;
  return {};
}

base::Result<void> FileVolumeStore::begin_volume() {
  TRY(NewVolume volume, create_volume(options_, layer_, random_, highest_volume_ + 1));
  file_ = std::move(volume.file);
  volume_ = volume.number;
  salt_ = volume.salt;
  highest_volume_ = volume.number;
  if (options_.wall_clock) begun_ = options_.wall_clock();
  end_ = kBlock;
  reserved_ = 0;
  const std::lock_guard lock(mutex_);
  open_volume_ = volume.number;
  return {};
}

// Never written again. The tail that was set aside is given back; should that fail, the next start does it.
void FileVolumeStore::seal_volume() {
  if (!file_) return;
  static_cast<void>(file_->truncate(end_));
  file_.reset();
  if (end_ <= kBlock) static_cast<void>(layer_.remove(volume_path(options_.directory, volume_)));
  const std::lock_guard lock(mutex_);
  open_volume_ = 0;
}

void FileVolumeStore::seal_if_due() {
  if (!file_) return;
  const bool old =
      options_.wall_clock && options_.volume_age.count() > 0 && options_.wall_clock() - begun_ >= options_.volume_age;
  if (old || end_ >= options_.volume_bytes) seal_volume();
}

void FileVolumeStore::answer(Group& group, const base::Result<void>& result) {
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : group) {
      stats_.queued_bytes -= entry.size();
      if (!result) {
        ++stats_.failed_appends;
      } else if (entry.payload) {
        ++stats_.appended;
        stats_.appended_bytes += entry.size();
      }
    }
    if (result) ++stats_.commits;
  }
  for (Entry& entry : group) {
    const RecordHeader& header = entry.header;
    const RecordPlace place{volume_, header.offset, header.header_size};
    if (auto* appended = std::get_if<Appended>(&entry.done)) {
      if (!result) {
        (*appended)(base::fail(result.error()));
      } else {
        (*appended)(StoredFragment{header.fragment, static_cast<std::uint32_t>(header.payload_size), header.payload_crc,
                                   place});
      }
    } else {
      auto& buried = std::get<Buried>(entry.done);
      if (!result) {
        buried(base::fail(result.error()));
      } else {
        buried(place);
      }
    }
  }
}

void FileVolumeStore::flush() {
  std::unique_lock lock(mutex_);
  ++flushing_;
  arrived_.notify_all();
  idle_.wait(lock, [this] { return queue_.empty() && !writing_ && !roll_wanted_; });
  --flushing_;
}

void FileVolumeStore::roll() {
  std::unique_lock lock(mutex_);
  if (stopping_) return;
  roll_wanted_ = true;
  arrived_.notify_all();
  idle_.wait(lock, [this] { return !roll_wanted_ && !writing_; });
}

VolumeStats FileVolumeStore::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

VolumeHealth FileVolumeStore::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

std::uint64_t FileVolumeStore::open_volume() const {
  const std::lock_guard lock(mutex_);
  return open_volume_;
}

base::Result<std::unique_ptr<VolumeStore>> open_file_volumes(FileVolumeOptions options, FileLayer& layer,
                                                             base::Random& random, std::span<const VolumeMark> known,
                                                             RecoveredRecords& recovered) {
  TRY_VOID(layer.make_directory(options.directory));
  TRY(const std::uint64_t highest, recover_volumes(options.directory, layer, known, recovered, options.take));
  options.take = nullptr;
  return std::make_unique<FileVolumeStore>(std::move(options), layer, random, highest);
}

std::unique_ptr<VolumeStore> open_file_volumes_for_reading(const std::string& directory, FileLayer& layer,
                                                           base::Random& random) {
  FileVolumeOptions options;
  options.directory = directory;
  return std::make_unique<FileVolumeStore>(std::move(options), layer, random, 0);
}

std::uint64_t end_of_record(const RecordPlace& place, std::uint32_t payload_size) {
  return align_up(place.offset + place.header_size + payload_size, kRecordAlignment);
}

}  // namespace store
