// SPDX-License-Identifier: Apache-2.0
#include "app/fsck_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "app/progress_bar.hpp"
#include "app/recording_flags.hpp"
#include "async/shard.hpp"
#include "aws/json.hpp"
#include "base/byte_count.hpp"
#include "store/metadata_store.hpp"

namespace app {
namespace {

// The whole answer of --json, one object on one line.
struct FsckAnswer {
  bool clean = false;
  bool rebuilt = false;
  std::int64_t volumes = 0;
  std::int64_t volume_bytes = 0;
  std::int64_t fragments = 0;
  std::int64_t fragment_bytes = 0;
  std::int64_t dead_records = 0;
  std::int64_t hollow_records = 0;
  std::int64_t waiting_records = 0;
  std::int64_t damaged_records = 0;
  std::int64_t damaged_places = 0;
  std::int64_t unreadable_volumes = 0;
  std::int64_t missing_fragments = 0;
  std::int64_t unindexed_fragments = 0;
  std::vector<std::string> problems;
  static constexpr auto fields() {
    return std::tuple(
        aws::field("clean", &FsckAnswer::clean), aws::field("rebuilt", &FsckAnswer::rebuilt),
        aws::field("volumes", &FsckAnswer::volumes), aws::field("volumeBytes", &FsckAnswer::volume_bytes),
        aws::field("fragments", &FsckAnswer::fragments), aws::field("fragmentBytes", &FsckAnswer::fragment_bytes),
        aws::field("deadRecords", &FsckAnswer::dead_records), aws::field("hollowRecords", &FsckAnswer::hollow_records),
        aws::field("waitingRecords", &FsckAnswer::waiting_records),
        aws::field("damagedRecords", &FsckAnswer::damaged_records),
        aws::field("damagedPlaces", &FsckAnswer::damaged_places),
        aws::field("unreadableVolumes", &FsckAnswer::unreadable_volumes),
        aws::field("missingFragments", &FsckAnswer::missing_fragments),
        aws::field("unindexedFragments", &FsckAnswer::unindexed_fragments),
        aws::field("problems", &FsckAnswer::problems));
  }
};

FsckAnswer answer_of(const streams::ArchiveCheckReport& report) {
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  return {.clean = report.is_clean(),
          .rebuilt = report.rebuilt,
          .volumes = count(report.volumes),
          .volume_bytes = count(report.volume_bytes),
          .fragments = count(report.fragments),
          .fragment_bytes = count(report.fragment_bytes),
          .dead_records = count(report.dead),
          .hollow_records = count(report.hollow),
          .waiting_records = count(report.waiting),
          .damaged_records = count(report.damaged_records),
          .damaged_places = count(report.damaged_places),
          .unreadable_volumes = count(report.unreadable_volumes),
          .missing_fragments = count(report.missing),
          .unindexed_fragments = count(report.unindexed),
          .problems = report.problems};
}

void print_report(const streams::ArchiveCheckReport& report) {
  for (const std::string& problem : report.problems) fmt::print("{}\n", problem);
  if (report.rebuilt) fmt::print("The index was made anew; the old one is index.db.old.\n");
  fmt::print("{} volumes, {}: {} fragments with {} are whole", report.volumes,
             base::to_byte_count_text(report.volume_bytes), report.fragments,
             base::to_byte_count_text(report.fragment_bytes));
  if (report.dead + report.hollow > 0) fmt::print("; {} are expired, deleted or copies", report.dead + report.hollow);
  if (report.waiting > 0) fmt::print("; {} will be indexed at the next start", report.waiting);
  fmt::print(".\n{}\n", report.is_clean()
                            ? "Everything is in order."
                            : fmt::format("{} fragments are lost, {} are not in the index, {} volumes are unreadable.",
                                          report.missing, report.unindexed, report.unreadable_volumes));
}

}  // namespace

void FsckCommand::add_to(CLI::App& command) {
  command.add_option("--data-dir", data_dir_, "data directory of a server that is not running")->type_name("DIR");
  command.add_flag("--rebuild", rebuild_, "make the index anew from the volumes; deletions are honoured");
  command.add_flag("--json", json_, "one JSON object on standard output");
  command.add_flag("--quiet", quiet_, "no progress");
}

base::Result<streams::ArchiveCheckReport> FsckCommand::check() {
  streams::ArchiveCheckOptions options;
  options.directory = data_dir_;
  options.rebuild = rebuild_;
  options.now = async::wall_now();
  // Without a catalog every fragment is of a stream that is deleted; that is worth an error of its own.
  const std::string catalog = data_dir_ + "/catalog.sqlite";
  if (std::filesystem::exists(data_dir_ + "/volumes") && !std::filesystem::exists(catalog)) {
    return base::fail(base::Errc::NotFound, catalog + " is missing: it says which streams exist and what they retain");
  }
  if (std::filesystem::exists(catalog)) {
    TRY(const auto metadata, store::open_sqlite_metadata(catalog));
    TRY(const auto rows, metadata->load_streams());
    for (const store::StreamRow& row : rows) {
      options.policies[row.key] = {row.retention_hours, 0};
      options.names[row.key] = row.name;
    }
  }
  std::unique_ptr<ProgressBar> bar;
  std::uint64_t shown = 0;
  options.progress = [&](std::uint64_t done, std::uint64_t all) {
    if (!bar || done < shown) {
      const bool reading = rebuild_ && !bar;
      bar.reset();  // ends its line
      bar = std::make_unique<ProgressBar>(reading ? "Rebuilding" : "Checking", all, quiet_);
      shown = 0;
    }
    bar->advance(done - std::exchange(shown, done));
  };
  return streams::check_archive(options);
}

int FsckCommand::run() {
  const auto report = check();
  if (!report) return report_failure(report.error());
  if (json_) {
    fmt::print("{}\n", aws::encode(answer_of(*report)));
  } else {
    print_report(*report);
  }
  return report->is_clean() ? 0 : 1;
}

}  // namespace app
