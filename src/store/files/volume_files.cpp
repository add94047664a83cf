// SPDX-License-Identifier: Apache-2.0
#include "store/files/volume_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/log.hpp"
#include "store/volume_record.hpp"
#include "store/volume_scan.hpp"

namespace store {
namespace {

constexpr std::string_view kNamePrefix = "volume-";
constexpr std::string_view kNameSuffix = ".tgv";
constexpr std::size_t kNameDigits = 16;

// Nothing if the header is damaged, in which case the records speak for themselves.
base::Result<std::optional<VolumeHeader>> read_header(File& file) {
  base::Bytes bytes(kVolumeHeaderSize);
  TRY(const std::size_t got, file.read_at(0, bytes));
  bytes.resize(got);
  return parse_volume_header(bytes);
}

class Recovery {
 public:
  Recovery(FileLayer& layer, RecoveredRecords& recovered) : layer_(layer), recovered_(recovered) {}

  base::Result<void> recover(const std::string& path, std::uint64_t number, std::uint64_t indexed_to) {
    TRY(const auto file, layer_.open(path, FileLayer::Mode::ReadWrite));
    TRY(const std::uint64_t size, file->size());
    TRY(const auto header, read_header(*file));
    if (!header && size >= kVolumeHeaderSize) base::log_warning("{}: the volume's header is damaged", path);
    // A killed process leaves pages that were never synced. Before anything of them is listed they must be durable.
    TRY_VOID(file->sync());
    std::optional<std::uint64_t> salt;
    if (header) salt = header->salt;
    TRY(const VolumeScan scan,
        scan_volume(*file, salt, indexed_to, [this, number](const RecordHeader& record) { keep(record, number); }));
    recovered_.damaged_payloads += scan.damaged_payloads;
    recovered_.hollow_payloads += scan.hollow_payloads;
    recovered_.damaged_places += scan.damaged_places;
    if (scan.end < size) {
      recovered_.cut_bytes += size - scan.end;
      TRY_VOID(file->truncate(scan.end));
      TRY_VOID(file->sync());
    }
    if (scan.end <= kBlock && scan.damaged_payloads + scan.hollow_payloads == 0) return layer_.remove(path);
    recovered_.marks.push_back({number, scan.end, true});
    return {};
  }

 private:
  void keep(const RecordHeader& record, std::uint64_t number) {
    const RecordPlace place{number, record.offset, record.header_size};
    if (record.type == RecordType::Fragment) {
      recovered_.fragments.push_back(
          {record.fragment, static_cast<std::uint32_t>(record.payload_size), record.payload_crc, place});
    } else if (record.type == RecordType::Tombstone) {
      recovered_.tombstones.emplace_back(Tombstone{record.fragment.stream, record.fragment.number}, place);
    }
  }

  FileLayer& layer_;
  RecoveredRecords& recovered_;
};

}  // namespace

std::string volume_path(const std::string& directory, std::uint64_t number) {
  return fmt::format("{}/{}{:016x}{}", directory, kNamePrefix, number, kNameSuffix);
}

std::optional<std::uint64_t> parse_volume_name(std::string_view name) {
  if (name.size() != kNamePrefix.size() + kNameDigits + kNameSuffix.size()) return std::nullopt;
  if (!name.starts_with(kNamePrefix) || !name.ends_with(kNameSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(kNamePrefix.size(), kNameDigits);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

base::Result<std::uint64_t> recover_volumes(const std::string& directory, FileLayer& layer,
                                            std::span<const VolumeMark> known, RecoveredRecords& recovered,
                                            const TakeRecovered& take) {
  std::map<std::uint64_t, VolumeMark> marks;
  for (const VolumeMark& mark : known) marks[mark.volume] = mark;
  TRY(const std::vector<std::string> names, layer.list(directory));
  Recovery recovery(layer, recovered);
  std::uint64_t highest = marks.empty() ? 0 : marks.rbegin()->first;
  std::size_t behind = 0;
  for (const std::string& name : names) {
    ++behind;
    const auto number = parse_volume_name(name);
    if (!number) continue;
    highest = std::max(highest, *number);
    const auto mark = marks.find(*number);
    if (mark != marks.end() && mark->second.sealed) continue;
    // One bad file must not hide the good ones.
    const auto done = recovery.recover(fmt::format("{}/{}", directory, name), *number,
                                       mark == marks.end() ? 0 : mark->second.indexed_to);
    if (!done) base::log_error("volume {} is left out: {}", name, done.error().message);
    if (take) {
      TRY_VOID(take(recovered, behind, names.size()));
    }
  }
  return highest;
}

base::Result<NewVolume> create_volume(const FileVolumeOptions& options, FileLayer& layer, base::Random& random,
                                      std::uint64_t number) {
  VolumeHeader header;
  header.number = number;
  header.salt = random.u64();
  if (options.wall_clock) header.created = options.wall_clock();
  const std::string path = volume_path(options.directory, number);
  TRY(auto file, layer.open(path, FileLayer::Mode::CreateNew));
  const auto bytes = write_volume_header(header);
  const base::ByteView piece(bytes);
  auto done = write_all(*file, 0, {&piece, 1});
  if (done) done = file->sync();
  if (done) done = layer.sync_directory(options.directory);
  if (!done) {
    file.reset();
    static_cast<void>(layer.remove(path));  // an empty volume is harmless, and removed at the next start
    return base::fail(std::move(done).error());
  }
  return NewVolume{std::move(file), number, header.salt};
}

}  // namespace store
