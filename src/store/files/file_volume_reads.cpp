// SPDX-License-Identifier: Apache-2.0
// Reading volumes, and giving their space back. Any thread, beside the writer.
#include <fmt/format.h>

#include "store/crc32c.hpp"
#include "store/files/file_volume_store.hpp"
#include "store/volume_scan.hpp"

namespace store {
namespace {

constexpr std::size_t kMaxOpenReaders = 128;

}  // namespace

base::Result<std::shared_ptr<File>> FileVolumeStore::open_reader(std::uint64_t volume) {
  {
    const std::lock_guard lock(readers_mutex_);
    if (const auto found = readers_.find(volume); found != readers_.end()) return found->second;
  }
  TRY(std::shared_ptr<File> file, layer_.open(volume_path(options_.directory, volume), FileLayer::Mode::Read));
  const std::lock_guard lock(readers_mutex_);
  if (readers_.size() >= kMaxOpenReaders) readers_.erase(readers_.begin());
  readers_[volume] = file;
  return file;
}

base::Result<Payload> FileVolumeStore::read(const StoredFragment& fragment) {
  const RecordPlace& place = fragment.place;
  TRY(const std::shared_ptr<File> file, open_reader(place.volume));
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

base::Result<void> FileVolumeStore::visit(std::uint64_t volume,
                                          const std::function<base::Result<void>(const StoredFragment&)>& visit) {
  TRY(const auto file, layer_.open(volume_path(options_.directory, volume), FileLayer::Mode::Read));
  base::Result<void> done;
  const auto scan = scan_volume(
      *file, std::nullopt, 0,
      [&](const RecordHeader& record) {
        if (!done || record.type != RecordType::Fragment) return;
        done = visit({record.fragment, static_cast<std::uint32_t>(record.payload_size), record.payload_crc,
                      RecordPlace{volume, record.offset, record.header_size}});
      },
      PayloadCheck::None);
  if (!scan) return base::fail(scan.error());
  return done;
}

base::Result<void> FileVolumeStore::punch(std::uint64_t volume, std::span<const VolumeRange> ranges) {
  TRY(const auto file, layer_.open(volume_path(options_.directory, volume), FileLayer::Mode::ReadWrite));
  for (const VolumeRange& range : ranges) {
    const std::uint64_t begin = align_up(range.offset, kBlock);
    const std::uint64_t end = (range.offset + range.size) / kBlock * kBlock;
    if (end <= begin) continue;
    TRY_VOID(file->punch(begin, end - begin));
  }
  return {};
}

base::Result<void> FileVolumeStore::remove_volume(std::uint64_t volume) {
  {
    const std::lock_guard lock(readers_mutex_);
    readers_.erase(volume);
  }
  TRY_VOID(layer_.remove(volume_path(options_.directory, volume)));
  return layer_.sync_directory(options_.directory);
}

base::Result<std::vector<std::uint64_t>> FileVolumeStore::list_volumes() {
  TRY(const auto names, layer_.list(options_.directory));
  std::vector<std::uint64_t> volumes;
  for (const std::string& name : names) {
    if (const auto volume = parse_volume_name(name)) volumes.push_back(*volume);
  }
  return volumes;
}

base::Result<std::uint64_t> FileVolumeStore::free_bytes() const {
  return layer_.free_bytes(options_.directory);
}

}  // namespace store
