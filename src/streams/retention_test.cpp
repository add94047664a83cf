// SPDX-License-Identifier: Apache-2.0
#include "streams/retention.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "base/random.hpp"
#include "store/simulated_disk.hpp"
#include "streams/archive.hpp"

namespace streams {
namespace {

constexpr StreamKey kA{1, 1};
constexpr StreamKey kB{2, 1};
constexpr std::size_t kPayload = 20'000;

// An archive on a simulated disk, with small volumes, in virtual time.
class Keeping {
 public:
  Keeping() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-retention-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    options.directory = directory;
    options.layer = &disk;
    options.wall_clock = [this] { return now; };
    options.retention.interval = base::Duration::zero();
    options.retention.spread = std::chrono::microseconds::zero();
    options.volume_bytes = 100'000;
    open();
  }
  ~Keeping() {
    archive.reset();
    std::filesystem::remove_all(directory);
  }

  void open() {
    archive.reset();
    auto opened = open_archive(options, readers);
    ASSERT_TRUE(opened) << opened.error().message;
    archive = *std::move(opened);
  }
  void lose_index() {
    archive.reset();
    for (const char* name : {"/index.db", "/index.db-wal", "/index.db-shm"}) std::filesystem::remove(directory + name);
    open();
  }

  StoredFragment write(StreamKey stream, std::size_t size = kPayload) {
    base::Bytes payload(size);
    random.fill(payload);
    FragmentDraft draft;
    draft.producer_time = draft.server_time = now;
    draft.duration = std::chrono::seconds(2);
    draft.payload = std::make_shared<const base::Bytes>(std::move(payload));
    StoredFragment stored;
    const auto log = archive->log(stream);
    log->commit(log->open_fragment(now), draft, [&stored](auto result) {
      if (result) stored = *result;
    });
    archive->flush();
    now += std::chrono::seconds(2);
    return stored;
  }

  void write_ten_of_each() {
    for (int i = 0; i < 10; ++i) {
      write(kA);
      write(kB);
    }
  }

  void sweep() {
    archive->flush();
    const auto done = archive->sweep();
    ASSERT_TRUE(done) << done.error().message;
  }

  std::size_t count(StreamKey stream) {
    const auto log = archive->log(stream);
    auto found = shard.run_blocking([&] { return log->after({}, 10'000); });
    EXPECT_TRUE(found);
    // What is listed is readable.
    for (const StoredFragment& fragment : *found) {
      auto payload = shard.run_blocking([&] { return log->read(fragment); });
      EXPECT_TRUE(payload) << payload.error().message;
    }
    return found->size();
  }
  std::size_t volume_count() { return disk.paths().size(); }

  std::string directory;
  base::WallTime now = base::from_microseconds(1'790'000'000'000'000);
  base::SeededRandom random{4};
  store::SimulatedDisk disk{1};
  async::DiskWorker readers{{"readers", 1, 64}};
  ArchiveOptions options;
  std::unique_ptr<Archive> archive;
  async::Shard shard{"test"};
};

TEST(Retention, ExpiredFragmentsTakeTheirVolumesAlong) {
  Keeping keeping;
  ASSERT_TRUE(keeping.archive->set_retention(kA, {1}));
  for (int i = 0; i < 30; ++i) keeping.write(kA);
  const std::size_t volumes = keeping.volume_count();
  EXPECT_GE(volumes, 6U);
  keeping.now += std::chrono::minutes(59) + std::chrono::seconds(30);  // the first 15 are over an hour old
  EXPECT_EQ(keeping.count(kA), 15U);                                   // hidden before any sweep
  keeping.sweep();
  EXPECT_EQ(keeping.archive->stats().retention.expired_fragments, 15U);
  EXPECT_LE(keeping.volume_count(), volumes - 2);
  EXPECT_EQ(keeping.count(kA), 15U);
  keeping.now += std::chrono::hours(1);
  keeping.sweep();
  EXPECT_EQ(keeping.count(kA), 0U);
  EXPECT_EQ((*keeping.archive->uses())[0].bytes, 0U);
  EXPECT_LE(keeping.volume_count(), 1U);  // the one that is open
}

TEST(Retention, ASweepCostsNothingWhileNothingExpires) {
  Keeping keeping;
  ASSERT_TRUE(keeping.archive->set_retention(kA, {24}));
  keeping.write(kA);
  keeping.sweep();
  const auto reads = keeping.disk.sync_count();
  for (int i = 0; i < 100; ++i) {
    keeping.now += std::chrono::minutes(10);
    keeping.sweep();
  }
  EXPECT_EQ(keeping.disk.sync_count(), reads);
  EXPECT_EQ(keeping.archive->stats().retention.expired_fragments, 0U);
}

TEST(Retention, ALongStreamInTheSameVolumesGetsHolesAroundIt) {
  Keeping keeping;
  ASSERT_TRUE(keeping.archive->set_retention(kA, {1}));
  ASSERT_TRUE(keeping.archive->set_retention(kB, {1000}));
  keeping.write_ten_of_each();
  const std::uint64_t before = keeping.disk.used_bytes();
  keeping.now += std::chrono::hours(1);
  keeping.sweep();
  EXPECT_EQ(keeping.count(kA), 0U);
  EXPECT_EQ(keeping.disk.used_bytes(), before);  // the volumes may become empty as a whole
  keeping.now += std::chrono::minutes(71);
  keeping.sweep();
  EXPECT_LE(keeping.disk.used_bytes(), before - 10 * (kPayload - 8192));
  EXPECT_EQ(keeping.count(kB), 10U);
  keeping.lose_index();
  EXPECT_EQ(keeping.count(kB), 10U);
}

// The blocks inside ten payloads came back; a volume with the tombstone alone came on top.
void expect_space_of_ten(Keeping& keeping, std::uint64_t before) {
  keeping.open();  // what the volume under way had set aside does not count
  EXPECT_LE(keeping.disk.used_bytes(), before - 10 * (kPayload - 8192) + 2 * 4096);
}

TEST(Retention, DeleteStreamGivesItsSpaceBackAndNotItsNeighbours) {
  Keeping keeping;
  keeping.write_ten_of_each();
  const std::uint64_t before = keeping.disk.used_bytes();
  ASSERT_TRUE(keeping.archive->remove(kA));
  keeping.sweep();
  expect_space_of_ten(keeping, before);
  EXPECT_EQ(keeping.count(kB), 10U);
  EXPECT_EQ(keeping.count(kA), 0U);
}

TEST(Retention, AnUnfinishedDeletionIsFinishedByTheNextStart) {
  Keeping keeping;
  keeping.write_ten_of_each();
  const std::uint64_t before = keeping.disk.used_bytes();
  ASSERT_TRUE(keeping.archive->remove(kA));
  keeping.open();  // no sweep came in between
  keeping.sweep();
  expect_space_of_ten(keeping, before);
  EXPECT_EQ(keeping.count(kB), 10U);
}

TEST(Retention, ALimitOfBytesDropsTheOldest) {
  Keeping keeping;
  ASSERT_TRUE(keeping.archive->set_retention(kA, {1000, 10 * kPayload}));
  std::vector<StoredFragment> written;
  for (int i = 0; i < 25; ++i) written.push_back(keeping.write(kA));
  keeping.write(kB);
  keeping.sweep();
  EXPECT_EQ(keeping.count(kA), 10U);
  EXPECT_EQ(keeping.count(kB), 1U);
  const auto log = keeping.archive->log(kA);
  const auto oldest = keeping.shard.run_blocking([&] { return log->after({}, 1); });
  EXPECT_EQ(oldest->front().header.number, written[15].header.number);
  keeping.lose_index();
  EXPECT_EQ(keeping.count(kA), 10U);  // what was dropped does not come back
}

TEST(Retention, TheFloorTakesTheOldestVolumes) {
  Keeping keeping;
  keeping.options.retention.free_space_floor = 1'000'000;
  keeping.disk.set_capacity(2'000'000);
  keeping.open();
  std::vector<StoredFragment> written;
  for (int i = 0; i < 60; ++i) written.push_back(keeping.write(i % 2 == 0 ? kA : kB));
  EXPECT_LT(*keeping.disk.free_bytes("/"), 1'000'000U);
  keeping.sweep();
  EXPECT_GE(*keeping.disk.free_bytes("/"), 1'000'000U);
  const std::size_t left = keeping.count(kA) + keeping.count(kB);
  EXPECT_LT(left, 60U);
  EXPECT_GT(left, 35U);
  EXPECT_EQ(keeping.archive->log(kB)->last()->header.number, written.back().header.number);
  keeping.lose_index();
  EXPECT_EQ(keeping.count(kA) + keeping.count(kB), left);
}

TEST(Retention, TheFloorNeverTakesTheVolumeThatIsWritten) {
  Keeping keeping;
  keeping.options.retention.free_space_floor = 1'000'000;
  keeping.disk.set_capacity(500'000);  // somebody else has the disk
  keeping.open();
  keeping.write(kA);
  keeping.sweep();
  EXPECT_EQ(keeping.count(kA), 1U);
}

TEST(Retention, ATombstoneOutlivesItsVolumeWhileItIsNeeded) {
  Keeping keeping;
  ASSERT_TRUE(keeping.archive->set_retention(kA, {24}));
  ASSERT_TRUE(keeping.archive->set_retention(kB, {1000}));
  constexpr StreamKey kShort{3, 1};
  ASSERT_TRUE(keeping.archive->set_retention(kShort, {1}));
  // An old volume that stays for kB, with a fragment of kA that is too small to become a hole.
  const std::uint64_t old = keeping.write(kA, 100).place.volume;
  keeping.write(kB);
  while (keeping.write(kShort).place.volume == old) {
  }
  // The tombstone lies in a volume whose other records expire: it goes.
  ASSERT_TRUE(keeping.archive->remove(kA));
  for (int i = 0; i < 30; ++i) keeping.write(kShort);
  keeping.now += std::chrono::hours(2);
  keeping.sweep();
  EXPECT_GT(keeping.archive->stats().retention.removed_volumes, 2U);
  keeping.lose_index();
  EXPECT_EQ(keeping.count(kB), 1U);
  EXPECT_EQ(keeping.count(kA), 0U);
}

TEST(Retention, RowsOfAVolumeThatIsGoneGoToo) {
  Keeping keeping;
  for (int i = 0; i < 12; ++i) keeping.write(kA);
  const std::string oldest = keeping.disk.paths().front();
  keeping.archive.reset();
  ASSERT_TRUE(keeping.disk.remove(oldest));
  keeping.open();
  EXPECT_EQ(keeping.count(kA), 12U - 5U);  // five to a volume of 100,000 bytes; the others are all there
  EXPECT_EQ((*keeping.archive->uses())[0].bytes, 7U * kPayload);
}

TEST(Retention, WithoutRetentionAFewMinutesAreInMemory) {
  Keeping keeping;
  ASSERT_TRUE(keeping.archive->set_retention(kA, {0}));
  const StoredFragment first = keeping.write(kA);
  EXPECT_FALSE(first.is_durable());
  for (int i = 0; i < 9; ++i) keeping.write(kA);
  EXPECT_EQ(keeping.volume_count(), 0U);
  EXPECT_EQ(keeping.count(kA), 10U);
  const auto log = keeping.archive->log(kA);
  EXPECT_TRUE(keeping.shard.run_blocking([&] { return log->list({}); })->fragments.empty());
  const auto at = keeping.shard.run_blocking(
      [&] { return log->starting_at(TimeAxis::Server, first.header.server_time + std::chrono::seconds(5)); });
  ASSERT_TRUE(at && *at);
  EXPECT_EQ((*at)->header.server_time - first.header.server_time, std::chrono::seconds(4));
  keeping.now += std::chrono::minutes(5) - std::chrono::seconds(10);
  EXPECT_EQ(keeping.count(kA), 5U);
  keeping.now += std::chrono::minutes(5);
  EXPECT_EQ(keeping.count(kA), 0U);
  EXPECT_FALSE(log->last());
  // With retention from now on, the disk takes over.
  keeping.write(kA);
  ASSERT_TRUE(keeping.archive->set_retention(kA, {1}));
  EXPECT_TRUE(keeping.write(kA).is_durable());
  EXPECT_EQ(keeping.count(kA), 2U);
}

TEST(Retention, TheLiveBufferIsBounded) {
  Keeping keeping;
  ASSERT_TRUE(keeping.archive->set_retention(kA, {0}));
  for (int i = 0; i < 12; ++i) keeping.write(kA, 20'000'000);
  EXPECT_EQ(keeping.count(kA), 10U);  // 200 MB
}

}  // namespace
}  // namespace streams
