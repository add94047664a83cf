// SPDX-License-Identifier: Apache-2.0
#include "streams/archive_check.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "async/disk_worker.hpp"
#include "base/random.hpp"
#include "streams/archive.hpp"

namespace streams {
namespace {

constexpr StreamKey kKept{1, 1};
constexpr StreamKey kDeleted{2, 1};

// A data directory with two streams in two volumes each.
class CheckedDirectory {
 public:
  CheckedDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-check-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
    options.directory = path;
    options.policies[kKept] = {24};
    options.names[kKept] = "front-door";
    options.now = now;
  }
  ~CheckedDirectory() { std::filesystem::remove_all(path); }

  std::unique_ptr<Archive> open() {
    ArchiveOptions archive;
    archive.directory = path;
    archive.wall_clock = [this] { return now; };
    archive.retention.interval = base::Duration::zero();
    archive.volume_bytes = 60'000;
    auto opened = open_archive(archive, readers);
    EXPECT_TRUE(opened);
    return *std::move(opened);
  }

  StoredFragment write(Archive& archive, StreamKey stream) {
    base::Bytes payload(20'000);
    random.fill(payload);
    FragmentDraft draft;
    draft.producer_time = draft.server_time = now - std::chrono::minutes(30);
    draft.duration = std::chrono::seconds(2);
    draft.payload = std::make_shared<const base::Bytes>(std::move(payload));
    StoredFragment stored;
    const auto log = archive.log(stream);
    log->commit(log->open_fragment(draft.server_time), draft, [&stored](auto result) { stored = *result; });
    archive.flush();
    return stored;
  }

  ArchiveCheckReport check() {
    auto report = check_archive(options);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : ArchiveCheckReport{};
  }

  std::string volume_path(std::uint64_t volume) const {
    return path + "/volumes/volume-" + std::string(15, '0') + std::to_string(volume) + ".tgv";
  }

  std::string path;
  base::WallTime now = base::from_microseconds(1'790'000'000'000'000);
  base::SeededRandom random{4};
  async::DiskWorker readers{{"readers", 1, 64}};
  ArchiveCheckOptions options;
};

TEST(ArchiveCheck, AWholeArchiveIsClean) {
  CheckedDirectory directory;
  {
    const auto archive = directory.open();
    for (int i = 0; i < 6; ++i) {
      directory.write(*archive, kKept);
      directory.write(*archive, kDeleted);
    }
    ASSERT_TRUE(archive->remove(kDeleted));
    ASSERT_TRUE(archive->sweep());
    EXPECT_EQ(check_archive(directory.options).error().code, base::Errc::InUse);
  }
  for (const bool rebuild : {false, true, false}) {
    directory.options.rebuild = rebuild;
    const ArchiveCheckReport report = directory.check();
    EXPECT_TRUE(report.is_clean()) << report.problems[0];
    EXPECT_EQ(report.rebuilt, rebuild);
    EXPECT_EQ(report.fragments, 6U);
    EXPECT_EQ(report.fragment_bytes, 6U * 20'000U);
    EXPECT_EQ(report.hollow, 6U);  // what was deleted has given its space back
    EXPECT_EQ(report.unindexed + report.missing + report.damaged_records, 0U);
  }
}

TEST(ArchiveCheck, NamesWhatIsDamagedAndARebuildKeepsTheRest) {
  CheckedDirectory directory;
  StoredFragment hit;
  {
    const auto archive = directory.open();
    for (int i = 0; i < 6; ++i) {
      const StoredFragment stored = directory.write(*archive, kKept);
      if (i == 3) hit = stored;
    }
  }
  {
    std::fstream file(directory.volume_path(hit.place.volume), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(hit.place.offset + 128 + 1000));
    file.put('x').put('y').put('z');
  }
  ArchiveCheckReport report = directory.check();
  EXPECT_EQ(report.damaged_records, 1U);
  EXPECT_EQ(report.missing, 1U);
  EXPECT_EQ(report.fragments, 5U);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_NE(report.problems[0].find("fragment " + hit.header.number.text() + " of stream front-door"),
            std::string::npos);
  directory.options.rebuild = true;
  report = directory.check();
  EXPECT_EQ(report.fragments, 5U);
  EXPECT_EQ(report.missing, 0U);
}

TEST(ArchiveCheck, SeesAnIndexThatForgot) {
  CheckedDirectory directory;
  {
    const auto archive = directory.open();
    for (int i = 0; i < 6; ++i) directory.write(*archive, kKept);
  }
  {
    const auto index = store::open_sqlite_index(directory.path + "/index.db");
    ASSERT_TRUE((*index)->remove(kKept, {UINT64_MAX}, 2));
  }
  EXPECT_EQ(directory.check().unindexed, 2U);
  directory.options.rebuild = true;
  EXPECT_TRUE(directory.check().is_clean());
}

TEST(ArchiveCheck, AMissingVolumeIsReported) {
  CheckedDirectory directory;
  {
    const auto archive = directory.open();
    for (int i = 0; i < 6; ++i) directory.write(*archive, kKept);
  }
  std::filesystem::remove(directory.volume_path(1));
  const ArchiveCheckReport report = directory.check();
  EXPECT_EQ(report.missing, 3U);
  EXPECT_EQ(report.fragments, 3U);
}

}  // namespace
}  // namespace streams
