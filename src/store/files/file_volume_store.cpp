// SPDX-License-Identifier: Apache-2.0
#include "store/files/file_volume_store.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "store/crc32c.hpp"

namespace store {
namespace {

constexpr std::size_t kMaxOpenReaders = 128;

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
  entry.header.fragment = std::move(header);
  entry.header.payload_size = payload->size();
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
  stats_.queued_bytes += size;
  queue_.push_back(std::move(entry));
  lock.unlock();
  arrived_.notify_one();
}

void FileVolumeStore::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) break;
    Group group = take_group(lock);
    writing_ = true;
    lock.unlock();
    commit_group(group);
    group.clear();
    lock.lock();
    writing_ = false;
    if (queue_.empty()) idle_.notify_all();
  }
  lock.unlock();
  if (file_) seal_volume();
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
  return group;
}

void FileVolumeStore::commit_group(Group& group) {
  for (Entry& entry : group) {
    if (entry.payload) entry.header.payload_crc = crc32c(*entry.payload);
  }
  base::Result<void> result = write_group(group);
  // What a failed write or sync left behind is unknown: the records go to a new volume, from memory. A full disk is
  // different: nothing is wrong with the volume, and there is no room for another.
  if (!result && result.error().code != base::Errc::Unavailable) {
    base::log_warning("{}; writing {} records to a new volume", result.error().message, group.size());
    seal_volume();
    {
      const std::lock_guard lock(mutex_);
      stats_.rewritten += group.size();
    }
    result = write_group(group);
    if (!result) seal_volume();
  }
  answer(group, result);
  if (file_ && end_ >= options_.volume_bytes) seal_volume();
}

base::Result<void> FileVolumeStore::write_group(Group& group) {
  if (!file_) {
    TRY_VOID(open_volume());
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

base::Result<void> FileVolumeStore::open_volume() {
  TRY(NewVolume volume, create_volume(options_, layer_, random_, highest_volume_ + 1));
  file_ = std::move(volume.file);
  volume_ = volume.number;
  salt_ = volume.salt;
  highest_volume_ = volume.number;
  end_ = kBlock;
  reserved_ = 0;
  return {};
}

// Never written again. The tail that was set aside is given back; should that fail, the next start does it.
void FileVolumeStore::seal_volume() {
  if (!file_) return;
  static_cast<void>(file_->truncate(end_));
  file_.reset();
  if (end_ <= kBlock) static_cast<void>(layer_.remove(volume_path(options_.directory, volume_)));
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

base::Result<Payload> FileVolumeStore::read(const StoredFragment& fragment) {
  const RecordPlace& place = fragment.place;
  std::shared_ptr<File> file;
  {
    const std::lock_guard lock(readers_mutex_);
    if (const auto found = readers_.find(place.volume); found != readers_.end()) file = found->second;
  }
  if (!file) {
    TRY(file, layer_.open(volume_path(options_.directory, place.volume), FileLayer::Mode::Read));
    const std::lock_guard lock(readers_mutex_);
    if (readers_.size() >= kMaxOpenReaders) readers_.erase(readers_.begin());
    readers_[place.volume] = file;
  }
  const auto corrupt = [&fragment, &place](const char* what) {
    return base::fail(base::Errc::Corrupt,
                      fmt::format("fragment {} at {} of volume {:016x}: {}", fragment.header.number.text(),
                                  place.offset, place.volume, what));
  };
  base::Bytes head(place.header_size);
  TRY(const std::size_t head_size, file->read_at(place.offset, head));
  head.resize(head_size);
  const auto header = parse_record_header(head);
  if (!header || header->offset != place.offset || header->fragment.stream != fragment.header.stream ||
      header->fragment.number != fragment.header.number) {
    return corrupt("the record there is damaged or another one");
  }
  auto payload = std::make_shared<base::Bytes>(static_cast<std::size_t>(header->payload_size));
  TRY(const std::size_t got, file->read_at(place.offset + header->header_size, *payload));
  if (got != payload->size() || crc32c(*payload) != fragment.payload_crc) return corrupt("the payload is damaged");
  return payload;
}

void FileVolumeStore::flush() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return queue_.empty() && !writing_; });
}

VolumeStats FileVolumeStore::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

base::Result<std::unique_ptr<VolumeStore>> open_file_volumes(FileVolumeOptions options, FileLayer& layer,
                                                             base::Random& random, std::span<const VolumeMark> known,
                                                             RecoveredRecords& recovered) {
  TRY_VOID(layer.make_directory(options.directory));
  TRY(const std::uint64_t highest, recover_volumes(options.directory, layer, known, recovered));
  return std::make_unique<FileVolumeStore>(std::move(options), layer, random, highest);
}

std::uint64_t end_of_record(const RecordPlace& place, std::uint32_t payload_size) {
  return align_up(place.offset + place.header_size + payload_size, kRecordAlignment);
}

}  // namespace store
