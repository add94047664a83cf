// SPDX-License-Identifier: Apache-2.0
#include "streams/archive_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "async/disk_worker.hpp"
#include "store/fragment_index.hpp"
#include "store/volume_scan.hpp"
#include "streams/archive.hpp"

namespace streams {
namespace {

constexpr std::size_t kMaxProblems = 100;

class Check {
 public:
  Check(const ArchiveCheckOptions& options, store::FileLayer& layer, store::FragmentIndex& index)
      : options_(options), layer_(layer), index_(index) {}

  base::Result<ArchiveCheckReport> run() {
    TRY(const auto uses, index_.volume_uses());
    for (const store::VolumeUse& use : uses) uses_[use.volume] = use;
    TRY(const auto buried, index_.buried_streams());
    for (const store::BuriedStream& each : buried) buried_[each.tombstone.stream] = each.tombstone.through;
    TRY(const std::uint64_t all, measure());
    std::uint64_t done = 0;
    for (const auto& [volume, path] : paths_) {
      if (options_.progress) options_.progress(done, all);
      const auto checked = check_volume(volume, path);
      if (!checked) {
        ++report_.unreadable_volumes;
        problem(fmt::format("{} cannot be read: {}", path, checked.error().message));
      }
      done += sizes_[volume];
    }
    if (options_.progress) options_.progress(all, all);
    for (const auto& [volume, use] : uses_) {
      if (!paths_.contains(volume) && use.live > 0) {
        TRY_VOID(name_missing(volume, {}));
      }
    }
    return report_;
  }

 private:
  base::Result<std::uint64_t> measure() {
    const std::string directory = options_.directory + "/volumes";
    std::uint64_t all = 0;
    TRY(const auto names, layer_.list(directory));
    for (const std::string& name : names) {
      const auto volume = store::parse_volume_name(name);
      if (!volume) continue;
      paths_[*volume] = fmt::format("{}/{}", directory, name);
      TRY(const auto file, layer_.open(paths_[*volume], store::FileLayer::Mode::Read));
      TRY(sizes_[*volume], file->size());
      all += sizes_[*volume];
    }
    report_.volumes = paths_.size();
    report_.volume_bytes = all;
    return all;
  }

  base::Result<void> check_volume(std::uint64_t volume, const std::string& path) {
    TRY(const auto file, layer_.open(path, store::FileLayer::Mode::Read));
    std::set<std::pair<StreamKey, FragmentNumber>> whole;
    base::Result<void> done;
    TRY(const store::VolumeScan scan,
        store::scan_volume(*file, std::nullopt, 0, [&](const store::RecordHeader& record) {
          if (!done || record.type != store::RecordType::Fragment) return;
          done = judge(record, volume, whole);
        }));
    if (!done) return done;
    report_.hollow += scan.hollow_payloads;
    report_.damaged_records += scan.damaged_payloads;
    report_.damaged_places += scan.damaged_places;
    if (scan.damaged_places > 0) {
      problem(fmt::format("{}: {} damaged places between records were skipped", path, scan.damaged_places));
    }
    const auto use = uses_.find(volume);
    if (use != uses_.end() && use->second.live > whole.size()) return name_missing(volume, whole);
    return {};
  }

  // One whole record: alive, waiting, dead, or forgotten by the index.
  base::Result<void> judge(const store::RecordHeader& record, std::uint64_t volume,
                           std::set<std::pair<StreamKey, FragmentNumber>>& whole) {
    const FragmentHeader& header = record.fragment;
    TRY(const auto row, index_.find(header.stream, header.number));
    if (row && row->place.volume == volume && row->place.offset == record.offset) {
      ++report_.fragments;
      report_.fragment_bytes += record.payload_size;
      whole.emplace(header.stream, header.number);
    } else if (row || is_gone(header)) {
      ++report_.dead;
    } else if (const auto use = uses_.find(volume); use == uses_.end() || record.offset >= use->second.indexed_to) {
      ++report_.waiting;
    } else {
      ++report_.unindexed;
      problem(fmt::format("fragment {} of {} at {} of volume {:016x} is not in the index: run fsck --rebuild",
                          header.number.text(), name_of(header.stream), record.offset, volume));
    }
    return {};
  }

  bool is_gone(const FragmentHeader& header) const {
    const auto buried = buried_.find(header.stream);
    if (buried != buried_.end() && header.number <= buried->second) return true;
    const auto policy = options_.policies.find(header.stream);
    return policy == options_.policies.end() || header.number < first_kept(policy->second, options_.now);
  }

  // Rows of this volume without a whole record.
  base::Result<void> name_missing(std::uint64_t volume, const std::set<std::pair<StreamKey, FragmentNumber>>& whole) {
    TRY(const auto rows, index_.in_volume(volume));
    for (const StoredFragment& row : rows) {
      if (whole.contains({row.header.stream, row.header.number}) || is_gone(row.header)) continue;
      ++report_.missing;
      problem(fmt::format("fragment {} of {} at {} of volume {:016x} is damaged or gone: its bytes are lost",
                          row.header.number.text(), name_of(row.header.stream), row.place.offset, volume));
    }
    return {};
  }

  std::string name_of(StreamKey stream) const {
    const auto name = options_.names.find(stream);
    if (name != options_.names.end()) return "stream " + name->second;
    return fmt::format("a stream that is deleted (id {}, generation {})", stream.id, stream.generation);
  }

  void problem(std::string text) {
    if (report_.problems.size() < kMaxProblems) report_.problems.push_back(std::move(text));
  }

  const ArchiveCheckOptions& options_;
  store::FileLayer& layer_;
  store::FragmentIndex& index_;
  ArchiveCheckReport report_;
  std::map<std::uint64_t, store::VolumeUse> uses_;
  std::map<StreamKey, FragmentNumber> buried_;
  std::map<std::uint64_t, std::string> paths_;
  std::map<std::uint64_t, std::uint64_t> sizes_;
};

// Opening an archive without an index reads every volume from its beginning.
base::Result<void> rebuild_index(const ArchiveCheckOptions& options) {
  const std::string path = options.directory + "/index.db";
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(path + ".old" + suffix, ignored);
    std::filesystem::rename(path + suffix, path + ".old" + suffix, ignored);
  }
  async::DiskWorker readers{{"readers", 1, 16}};
  ArchiveOptions archive;
  archive.directory = options.directory;
  archive.layer = options.layer;
  archive.retention.interval = base::Duration::zero();
  archive.wall_clock = [now = options.now] { return now; };
  if (options.progress) {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory + "/volumes", ignored)) {
      bytes += entry.is_regular_file(ignored) ? entry.file_size(ignored) : 0;
    }
    archive.progress = [&options, bytes](std::size_t done, std::size_t all) {
      options.progress(bytes / all * done, bytes);  // volumes are about equally long
    };
  }
  TRY(const auto opened, open_archive(std::move(archive), readers));
  return {};
}

}  // namespace

base::Result<ArchiveCheckReport> check_archive(const ArchiveCheckOptions& options) {
  store::FileLayer& layer = options.layer != nullptr ? *options.layer : store::posix_files();
  if (!std::filesystem::exists(options.directory + "/index.db") &&
      !std::filesystem::exists(options.directory + "/volumes")) {
    return base::fail(base::Errc::NotFound, options.directory + " is no data directory of a server: give --data-dir");
  }
  if (options.rebuild) {
    TRY_VOID(rebuild_index(options));
  }
  TRY(const auto lock, store::posix_files().lock(options.directory + "/lock"));
  auto index = store::open_sqlite_index(options.directory + "/index.db");
  if (!index) {
    return base::fail(base::Errc::Corrupt, index.error().message + ": run fsck --rebuild to make the index anew");
  }
  TRY(ArchiveCheckReport report, Check(options, layer, **index).run());
  report.rebuilt = options.rebuild;
  return report;
}

}  // namespace streams
