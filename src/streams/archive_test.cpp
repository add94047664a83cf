// SPDX-License-Identifier: Apache-2.0
#include "streams/archive.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "async/timer.hpp"
#include "store/simulated_disk.hpp"

namespace streams {
namespace {

class ArchiveDirectory {
 public:
  ArchiveDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-archive-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~ArchiveDirectory() { std::filesystem::remove_all(path); }
  std::string path;
};

base::WallTime wall_us(std::int64_t us) {
  return base::from_microseconds(us);
}

// Everything that a test of the archive needs, in the order in which it must end.
struct ArchiveFixture {
  ArchiveDirectory directory;
  base::WallTime now = wall_us(1'790'000'000'000'000);
  store::FileLayer* layer = nullptr;
  async::DiskWorker readers{{"readers", 2, 4096}};
  std::unique_ptr<Archive> archive;
  async::Shard shard{"test"};

  ArchiveFixture() { open(); }
  void open() {
    archive.reset();
    ArchiveOptions options;
    options.directory = directory.path;
    options.layer = layer;
    options.wall_clock = [this] { return now; };
    options.retention.interval = base::Duration::zero();  // sweeps come when a test asks for them
    options.write_patience = base::Duration::zero();
    auto opened = open_archive(options, readers);
    ASSERT_TRUE(opened) << opened.error().message;
    archive = *std::move(opened);
  }
  void lose_index() {
    archive.reset();
    for (const char* name : {"/index.db", "/index.db-wal", "/index.db-shm"})
      std::filesystem::remove(directory.path + name);
    open();
  }
};

FragmentDraft draft(base::WallTime time, std::string text) {
  FragmentDraft made;
  made.producer_time = time - std::chrono::seconds(1);
  made.server_time = time;
  made.duration = std::chrono::seconds(2);
  made.payload = std::make_shared<const base::Bytes>(base::to_bytes(text));
  return made;
}

// Commits and waits until the store has answered.
base::Result<StoredFragment> commit_now(Archive& archive, FragmentLog& log, base::WallTime time, std::string text) {
  base::Result<StoredFragment> answer = base::fail(base::Errc::Internal, "not answered");
  log.commit(log.open_fragment(time), draft(time, std::move(text)),
             [&answer](base::Result<StoredFragment> result) { answer = std::move(result); });
  archive.flush();
  return answer;
}

std::vector<std::uint64_t> numbers_of(const std::vector<StoredFragment>& fragments) {
  std::vector<std::uint64_t> numbers;
  for (const StoredFragment& fragment : fragments) numbers.push_back(fragment.header.number.value);
  return numbers;
}

TEST(FragmentLog, NumbersGrowWhateverTheClockDoes) {
  ArchiveFixture fixture;
  const auto log = fixture.archive->log({1, 1});
  const std::uint64_t first = log->open_fragment(wall_us(1000)).value;
  EXPECT_EQ(first, 1000U);
  EXPECT_EQ(log->open_fragment(wall_us(1000)).value, 1001U);
  EXPECT_EQ(log->open_fragment(wall_us(500)).value, 1002U);
  EXPECT_EQ(log->open_fragment(wall_us(2000)).value, 2000U);
}

TEST(FragmentLog, NumbersDoNotGoBackAfterARestart) {
  ArchiveFixture fixture;
  ASSERT_TRUE(commit_now(*fixture.archive, *fixture.archive->log({1, 1}), wall_us(5000), "a"));
  fixture.open();
  EXPECT_EQ(fixture.archive->log({1, 1})->open_fragment(wall_us(100)).value, 5001U);
}

TEST(FragmentLog, VisibleOnlyInNumberOrder) {
  ArchiveFixture fixture;
  const auto log = fixture.archive->log({1, 1});
  const FragmentNumber first = log->open_fragment(wall_us(100));
  const FragmentNumber second = log->open_fragment(wall_us(200));
  const FragmentNumber third = log->open_fragment(wall_us(300));
  std::vector<std::uint64_t> committed;
  const auto note = [&committed](base::Result<StoredFragment> result) {
    if (result) committed.push_back(result->header.number.value);
  };
  log->commit(third, draft(wall_us(300), "c"), note);
  log->commit(second, draft(wall_us(200), "b"), note);
  fixture.archive->flush();
  EXPECT_FALSE(log->last());
  const auto list = [&] {
    auto page = fixture.shard.run_blocking([&] { return log->list({}); });
    EXPECT_TRUE(page);
    return numbers_of(page->fragments);
  };
  EXPECT_TRUE(list().empty());  // durable and even indexed, but a lower number is open
  log->abandon(first);
  EXPECT_EQ(committed, (std::vector<std::uint64_t>{200, 300}));
  EXPECT_EQ(log->last()->header.number, third);
  EXPECT_EQ(list(), (std::vector<std::uint64_t>{200, 300}));
}

TEST(FragmentLog, KnowsTheEndOfARecordingThatIsNotVisibleYet) {
  ArchiveFixture fixture;
  const auto log = fixture.archive->log({1, 1});
  EXPECT_FALSE(log->recorded_until());
  ASSERT_TRUE(commit_now(*fixture.archive, *log, wall_us(1'000'000), "a"));
  const FragmentNumber before = log->open_fragment(wall_us(2'000'000));
  const FragmentNumber last = log->open_fragment(wall_us(3'000'000));
  FragmentDraft ended = draft(wall_us(3'000'000), "b");
  const base::WallTime end = ended.producer_time + ended.duration;
  ended.ended_by = GapReason::PublisherLeft;
  log->commit(last, std::move(ended), [](base::Result<StoredFragment>) {});
  for (const bool resolved : {false, true}) {
    if (resolved) log->abandon(before);
    fixture.archive->flush();
    EXPECT_EQ(log->last()->header.number == last, resolved);
    ASSERT_TRUE(log->recorded_until());
    EXPECT_EQ(log->recorded_until()->producer_end, end);
    EXPECT_EQ(log->recorded_until()->gap_reason, GapReason::PublisherLeft);
  }
}

TEST(FragmentLog, KnowsWhatAGapAfterTheLastFragmentIsPutDownTo) {
  store::SimulatedDisk disk(1);
  ArchiveFixture fixture;
  fixture.layer = &disk;
  fixture.open();
  const auto reason = [&] { return fixture.archive->log({1, 1})->recorded_until()->gap_reason; };
  const auto commit = [&] {
    fixture.now += std::chrono::seconds(2);
    return commit_now(*fixture.archive, *fixture.archive->log({1, 1}), fixture.now, "a").has_value();
  };
  ASSERT_TRUE(commit());
  EXPECT_EQ(reason(), GapReason::PublisherLeft);  // of a recording that this process has seen
  disk.set_full(true);
  ASSERT_FALSE(commit());
  EXPECT_EQ(reason(), GapReason::DiskSlow);
  disk.set_full(false);
  for (int i = 0; i < 100 && !commit(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(reason(), GapReason::PublisherLeft);
  fixture.now += std::chrono::seconds(2);
  fixture.open();
  EXPECT_EQ(reason(), GapReason::ServerStopped);
}

TEST(FragmentLog, ListsByBothTimesInPages) {
  ArchiveFixture fixture;
  const auto log = fixture.archive->log({1, 1});
  const auto other = fixture.archive->log({2, 1});
  const base::WallTime start = fixture.now;
  for (int i = 0; i < 25; ++i)
    ASSERT_TRUE(commit_now(*fixture.archive, *log, start + std::chrono::seconds(2 * i), "x"));
  ASSERT_TRUE(commit_now(*fixture.archive, *other, start, "y"));
  for (const TimeAxis axis : {TimeAxis::Server, TimeAxis::Producer}) {
    FragmentQuery query;
    query.axis = axis;
    const auto offset = axis == TimeAxis::Server ? std::chrono::seconds(0) : std::chrono::seconds(-1);
    query.from = start + std::chrono::seconds(4) + offset;
    query.to = start + std::chrono::seconds(40) + offset;  // both inclusive: fragments 2 to 20
    query.limit = 7;
    std::vector<std::uint64_t> found;
    auto page = fixture.shard.run_blocking([&] { return log->list(query); });
    ASSERT_TRUE(page) << page.error().message;
    for (int pages = 0;; ++pages) {
      ASSERT_LT(pages, 4);
      for (const auto number : numbers_of(page->fragments)) found.push_back(number);
      if (page->next_token.empty()) break;
      EXPECT_EQ(page->fragments.size(), 7U);
      auto foreign = fixture.shard.run_blocking([&] { return other->list_next(page->next_token, 7); });
      EXPECT_EQ(foreign.error().code, base::Errc::InvalidArgument);
      page = fixture.shard.run_blocking([&] { return log->list_next(page->next_token, 7); });
      ASSERT_TRUE(page);
    }
    ASSERT_EQ(found.size(), 19U);
    EXPECT_TRUE(std::ranges::is_sorted(found));
  }
}

TEST(FragmentLog, ReadsBackEqualBytesFromMemoryAndFromDisk) {
  ArchiveFixture fixture;
  const auto stored = commit_now(*fixture.archive, *fixture.archive->log({1, 1}), fixture.now, "payload");
  ASSERT_TRUE(stored);
  for (int round = 0; round < 2; ++round) {
    const auto log = fixture.archive->log({1, 1});
    auto found = fixture.shard.run_blocking([&] { return log->find(stored->header.number); });
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(**found, *stored);
    auto payload = fixture.shard.run_blocking([&] { return log->read(**found); });
    ASSERT_TRUE(payload) << payload.error().message;
    EXPECT_EQ(base::as_text(**payload), "payload");
    EXPECT_EQ(fixture.archive->stats().cache_misses, static_cast<std::uint64_t>(round));
    fixture.open();
  }
}

TEST(FragmentLog, StartingAtFindsTheFragmentThatContainsTheTime) {
  ArchiveFixture fixture;
  const auto log = fixture.archive->log({1, 1});
  for (const int second : {0, 2, 10})
    ASSERT_TRUE(commit_now(*fixture.archive, *log, fixture.now + std::chrono::seconds(second), "x"));
  const auto at = [&](int ms) {
    auto found = fixture.shard.run_blocking(
        [&] { return log->starting_at(TimeAxis::Server, fixture.now + std::chrono::milliseconds(ms)); });
    EXPECT_TRUE(found);
    return *found ? ((*found)->header.server_time - fixture.now) / std::chrono::seconds(1) : -1;
  };
  EXPECT_EQ(at(-500), 0);
  EXPECT_EQ(at(1999), 0);
  EXPECT_EQ(at(2000), 2);
  EXPECT_EQ(at(3999), 2);
  EXPECT_EQ(at(4000), 10);  // a gap: the first that starts later
  EXPECT_EQ(at(12'000), -1);
}

TEST(FragmentLog, RetentionHidesAtOnceAndNothingComesBack) {
  ArchiveFixture fixture;
  auto log = fixture.archive->log({1, 1});
  ASSERT_TRUE(fixture.archive->set_retention({1, 1}, {24}));
  ASSERT_TRUE(commit_now(*fixture.archive, *log, fixture.now - std::chrono::hours(20), "old"));
  ASSERT_TRUE(commit_now(*fixture.archive, *log, fixture.now, "new"));
  const auto count = [&] {
    auto page = fixture.shard.run_blocking([&] { return log->list({}); });
    auto after = fixture.shard.run_blocking([&] { return log->after({}, 10); });
    EXPECT_EQ(page->fragments.size(), after->size());
    return page->fragments.size();
  };
  EXPECT_EQ(count(), 2U);
  ASSERT_TRUE(fixture.archive->set_retention({1, 1}, {10}));
  EXPECT_EQ(count(), 1U);
  ASSERT_TRUE(fixture.archive->set_retention({1, 1}, {48}));
  EXPECT_EQ(count(), 1U);
  fixture.lose_index();
  ASSERT_TRUE(fixture.archive->set_retention({1, 1}, {48}));
  log = fixture.archive->log({1, 1});
  EXPECT_EQ(count(), 1U);
  ASSERT_TRUE(fixture.archive->set_retention({1, 1}, {0}));
  EXPECT_EQ(count(), 0U);
  EXPECT_FALSE(log->last());
}

TEST(FragmentLog, ALiveTailWakesOnCommitAndTimesOut) {
  ArchiveFixture fixture;
  const auto log = fixture.archive->log({1, 1});
  auto none = fixture.shard.run_blocking([&] { return log->wait_after({}, std::chrono::milliseconds(1)); });
  EXPECT_FALSE(none);
  std::atomic<std::uint64_t> seen = 0;
  std::atomic<bool> waiting = false;
  fixture.shard.spawn("tail", [&]() -> async::Task<void> {
    waiting = true;
    FragmentNumber after;
    while (seen < 3) {
      auto next = co_await log->wait_after(after, std::chrono::seconds(10));
      if (!next) co_return;
      after = next->header.number;
      ++seen;
    }
  });
  while (!waiting) std::this_thread::yield();
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(commit_now(*fixture.archive, *log, fixture.now + std::chrono::seconds(i), "x"));
    while (seen < static_cast<std::uint64_t>(i)) std::this_thread::yield();
  }
  EXPECT_EQ(seen, 3U);
}

TEST(FragmentLog, ADeletedStreamIsGoneForGood) {
  ArchiveFixture fixture;
  const auto log = fixture.archive->log({1, 1});
  const auto stored = commit_now(*fixture.archive, *log, fixture.now, "secret");
  ASSERT_TRUE(fixture.archive->remove({1, 1}));
  EXPECT_TRUE(log->deleted());
  EXPECT_FALSE(fixture.shard.run_blocking([&] { return log->read(*stored); }));
  EXPECT_FALSE(commit_now(*fixture.archive, *log, fixture.now + std::chrono::seconds(5), "more"));
  // Also when the index is lost and made anew from the volumes.
  fixture.lose_index();
  const auto again = fixture.archive->log({1, 1});
  auto page = fixture.shard.run_blocking([&] { return again->list({}); });
  EXPECT_TRUE(page->fragments.empty());
  auto next_generation = fixture.archive->log({1, 2});
  EXPECT_TRUE(commit_now(*fixture.archive, *next_generation, fixture.now, "new"));
}

TEST(Archive, ADamagedIndexIsMadeAnew) {
  ArchiveFixture fixture;
  const auto stored = commit_now(*fixture.archive, *fixture.archive->log({1, 1}), fixture.now, "x");
  ASSERT_TRUE(stored);
  fixture.archive.reset();
  {
    std::ofstream(fixture.directory.path + "/index.db", std::ios::trunc) << std::string(8192, 'x');
  }
  fixture.open();
  EXPECT_EQ(fixture.archive->stats().fragments_found_at_start, 1U);
  EXPECT_EQ(fixture.archive->log({1, 1})->last(), *stored);
}

TEST(Archive, ASecondServerIsKeptOff) {
  ArchiveFixture fixture;
  ArchiveOptions options;
  options.directory = fixture.directory.path;
  auto second = open_archive(options, fixture.readers);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Errc::InUse);
}

}  // namespace
}  // namespace streams
