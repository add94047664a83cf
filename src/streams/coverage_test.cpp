// SPDX-License-Identifier: Apache-2.0
// Coverage against a reference that paints every fragment onto a line of seconds.
#include "streams/coverage.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "base/random.hpp"
#include "streams/archive.hpp"

namespace streams {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr base::WallTime kStart{seconds(1'790'000'000)};
constexpr int kLine = 4000;  // seconds

base::WallTime at(int second) {
  return kStart + seconds(second);
}

class Coverages : public testing::Test {
 protected:
  Coverages() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-coverage-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    ArchiveOptions options;
    options.directory = directory_;
    options.wall_clock = [this] { return now_; };
    options.retention.interval = base::Duration::zero();
    archive_ = *open_archive(std::move(options), readers_);
    log_ = archive_->log({1, 1});
  }
  ~Coverages() override {
    log_.reset();
    archive_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Handed over; durable and visible after flush(), and not necessarily indexed before it.
  void commit(FragmentLog& log, int start, int end, std::optional<Gap> gap, std::optional<GapReason> ended_by = {}) {
    FragmentDraft draft;
    draft.producer_time = at(start);
    draft.server_time = at(start) + seconds(1);
    draft.duration = seconds(end - start);
    draft.gap_before = gap;
    draft.ended_by = ended_by;
    draft.payload = std::make_shared<const base::Bytes>(base::to_bytes("x"));
    log.commit(log.open_fragment(draft.server_time), std::move(draft), [](auto) {});
  }

  base::Result<Coverage> ask(CoverageQuery query) {
    return shard_.run_blocking([&] { return log_->coverage(query); });
  }
  Coverage ask(std::optional<int> from, std::optional<int> to) {
    CoverageQuery query;
    if (from) query.from = at(*from);
    if (to) query.to = at(*to);
    auto answer = ask(query);
    EXPECT_TRUE(answer) << answer.error().message;
    return *answer;
  }

  base::WallTime now_ = at(kLine + 60);
  std::string directory_;
  async::DiskWorker readers_{{"readers", 2, 4096}};
  std::unique_ptr<Archive> archive_;
  std::shared_ptr<FragmentLog> log_;
  async::Shard shard_{"test"};
};

TEST_F(Coverages, FragmentsInARowAreOneRangeAndAGapSaysWhy) {
  commit(*log_, 0, 2, std::nullopt);
  commit(*log_, 2, 4, std::nullopt, GapReason::PublisherLeft);
  commit(*log_, 10, 12, Gap{GapReason::PublisherLeft, at(4), at(10)});
  commit(*log_, 12, 13, std::nullopt, GapReason::ServerStopped);
  archive_->flush();
  const Coverage all = ask(std::nullopt, std::nullopt);
  EXPECT_EQ(all.ranges, (std::vector<CoverageRange>{{at(0), at(4)}, {at(10), at(13)}}));
  EXPECT_EQ(all.gaps, (std::vector<CoverageGap>{{at(4), at(10), GapReason::PublisherLeft, false},
                                                {at(13), now_, GapReason::ServerStopped, true}}));
  EXPECT_FALSE(all.is_live);
  const Coverage inside = ask(5, 6);  // nothing but a gap
  EXPECT_EQ(inside.ranges, std::vector<CoverageRange>{});
  EXPECT_EQ(inside.gaps, (std::vector<CoverageGap>{{at(5), at(6), GapReason::PublisherLeft, false}}));
  const Coverage cut = ask(3, 11);
  EXPECT_EQ(cut.ranges, (std::vector<CoverageRange>{{at(3), at(4)}, {at(10), at(11)}}));
  EXPECT_EQ(cut.gaps, (std::vector<CoverageGap>{{at(4), at(10), GapReason::PublisherLeft, false}}));
  EXPECT_TRUE(ask(100, 101).ranges.empty());
}

TEST_F(Coverages, LiveMeansThatAFragmentCameAndNoPauseWasStated) {
  EXPECT_FALSE(ask(std::nullopt, std::nullopt).is_live);
  commit(*log_, 0, 2, std::nullopt);
  archive_->flush();
  now_ = at(32);
  EXPECT_TRUE(ask(std::nullopt, std::nullopt).is_live);
  now_ = at(33);
  EXPECT_FALSE(ask(std::nullopt, std::nullopt).is_live);
  commit(*log_, 31, 33, std::nullopt, GapReason::PublisherLeft);
  archive_->flush();
  EXPECT_FALSE(ask(std::nullopt, std::nullopt).is_live);
}

TEST_F(Coverages, RefusesEmptyWindowsAndForeignTokens) {
  for (int i = 0; i < 3; ++i)
    commit(*log_, 10 * i + 5, 10 * i + 10, Gap{GapReason::Overload, at(10 * i), at(10 * i + 5)});
  archive_->flush();
  CoverageQuery query;
  query.from = query.to = at(5);
  EXPECT_EQ(ask(query).error().code, base::Errc::InvalidArgument);
  query = {};
  query.limit = 1;
  const auto page = ask(query);
  ASSERT_FALSE(page->next_token.empty());
  query.token = page->next_token;
  EXPECT_TRUE(ask(query));
  const auto other = archive_->log({2, 1});
  EXPECT_EQ(shard_.run_blocking([&] { return other->coverage(query); }).error().code, base::Errc::InvalidArgument);
  query.token = "AAAA";
  EXPECT_EQ(ask(query).error().code, base::Errc::InvalidArgument);
}

// A recording of random length: what each second holds.
struct Line {
  static constexpr int kNothing = 0, kRecorded = -1;  // else the reason of a gap
  std::vector<int> seconds = std::vector<int>(kLine, kNothing);
  int last_end = 0;
  std::optional<GapReason> paused;
};

GapReason random_reason(base::Random& random) {
  return static_cast<GapReason>(1 + random.below(6));
}

// The runs of equal seconds in [from, to).
Coverage paint(const Line& line, int from, int to, base::WallTime now) {
  Coverage expected;
  for (int begin = from; begin < to && begin < kLine;) {
    int end = begin;
    const int kind = line.seconds[static_cast<std::size_t>(begin)];
    while (end < to && end < kLine && line.seconds[static_cast<std::size_t>(end)] == kind) ++end;
    if (kind == Line::kRecorded) expected.ranges.push_back({at(begin), at(end)});
    if (kind > 0) expected.gaps.push_back({at(begin), at(end), static_cast<GapReason>(kind), false});
    begin = end;
  }
  const base::WallTime open_from = at(std::max(line.last_end, from));
  const base::WallTime open_to = std::min(now, at(to));
  if (line.paused && open_from < open_to) expected.gaps.push_back({open_from, open_to, *line.paused, true});
  return expected;
}

// Neighbouring gaps of one reason stay two in an answer; the reference cannot tell them apart.
void join_gaps(std::vector<CoverageGap>& gaps) {
  for (std::size_t i = 1; i < gaps.size();) {
    const bool joins = gaps[i - 1].end == gaps[i].start && gaps[i - 1].reason == gaps[i].reason &&
                       gaps[i - 1].is_open == gaps[i].is_open;
    if (joins) {
      gaps[i - 1].end = gaps[i].end;
      gaps.erase(gaps.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

class CoverageModel : public Coverages {
 protected:
  Line record(base::Random& random, FragmentLog& log, int hidden_before) {
    Line line;
    int time = static_cast<int>(random.below(20));
    std::optional<Gap> gap;
    while (true) {
      const int end = time + 1 + static_cast<int>(random.below(20));
      if (end >= kLine) break;
      const bool pauses = random.below(8) == 0;
      const GapReason reason = random_reason(random);
      const bool says_so = pauses && random.below(2) == 0;
      commit(log, time, end, gap, says_so ? std::optional(reason) : std::nullopt);
      if (random.below(40) == 0) archive_->flush();
      const bool shown = time + 1 >= hidden_before;
      if (shown && gap) fill(line, gap->from, gap->to, static_cast<int>(gap->reason));
      if (shown) fill(line, at(time), at(end), Line::kRecorded);
      line.last_end = end;
      line.paused = says_so ? std::optional(reason) : std::nullopt;
      const int next = pauses ? end + 1 + static_cast<int>(random.below(40)) : end;
      gap = pauses ? std::optional(Gap{reason, at(end), at(next)}) : std::nullopt;
      time = next;
    }
    archive_->flush();
    return line;
  }

  static void fill(Line& line, base::WallTime from, base::WallTime to, int kind) {
    for (auto time = from; time < to; time += seconds(1)) {
      line.seconds.at(static_cast<std::size_t>((time - kStart) / seconds(1))) = kind;
    }
  }

  // All pages of an answer as one.
  Coverage gather(int from, int to, std::size_t limit) {
    CoverageQuery query;
    query.from = at(from);
    query.to = at(to);
    query.limit = limit;
    Coverage all;
    while (true) {
      auto page = ask(query);
      EXPECT_TRUE(page) << page.error().message;
      if (!page) return all;
      EXPECT_LE(page->gaps.size(), limit + 1);
      all.ranges.insert(all.ranges.end(), page->ranges.begin(), page->ranges.end());
      all.gaps.insert(all.gaps.end(), page->gaps.begin(), page->gaps.end());
      if (page->next_token.empty()) return all;
      query.token = page->next_token;
    }
  }

  void compare(const Line& line, int from, int to, std::size_t limit) {
    const Coverage expected = paint(line, from, to, now_);
    Coverage found = gather(from, to, limit);
    join_gaps(found.gaps);
    ASSERT_EQ(found.ranges.size(), expected.ranges.size()) << from << ".." << to;
    ASSERT_EQ(found.gaps.size(), expected.gaps.size()) << from << ".." << to;
    for (std::size_t i = 0; i < expected.ranges.size(); ++i) {
      ASSERT_EQ(found.ranges[i], expected.ranges[i]) << "range " << i << " of " << from << ".." << to;
    }
    for (std::size_t i = 0; i < expected.gaps.size(); ++i) {
      ASSERT_EQ(found.gaps[i], expected.gaps[i]) << "gap " << i << " of " << from << ".." << to;
    }
  }
};

TEST_F(CoverageModel, AgreesWithPaintingEveryFragment) {
  const char* asked = std::getenv("TIDEGATE_SEEDS");
  const std::uint64_t seeds = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 24;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::SeededRandom random(seed);
    log_ = archive_->log({seed, 1});
    // In every third run the oldest are past retention: server time is a second after producer time.
    const bool expires = seed % 3 == 0;
    const int hidden_before = expires ? static_cast<int>(random.below(kLine / 2)) : 0;
    const Line line = record(random, *log_, hidden_before);
    now_ = expires ? at(hidden_before) + std::chrono::hours(1) : at(kLine + 60);
    if (expires) ASSERT_TRUE((archive_->set_retention({seed, 1}, {1})));
    for (int i = 0; i < 20 && !HasFatalFailure(); ++i) {
      const int from = static_cast<int>(random.below(kLine));
      const int to = from + 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(kLine - from)));
      compare(line, from, to, i % 2 == 0 ? 1000 : 1 + random.below(5));
    }
    if (HasFatalFailure()) return;
  }
}

TEST_F(CoverageModel, WhatIsNotIndexedYetIsPartOfIt) {
  base::SeededRandom random(99);
  const Line line = record(random, *log_, 0);
  // Durable and visible, and on their way to the index while the answer is made.
  commit(*log_, kLine, kLine + 2, Gap{GapReason::DiskSlow, at(line.last_end), at(kLine)});
  commit(*log_, kLine + 3, kLine + 5, Gap{GapReason::Overload, at(kLine + 2), at(kLine + 3)});
  while (!log_->last() || log_->last()->header.producer_time != at(kLine + 3)) std::this_thread::yield();
  const Coverage found = ask(line.last_end, kLine + 9);
  EXPECT_EQ(found.ranges, (std::vector<CoverageRange>{{at(kLine), at(kLine + 2)}, {at(kLine + 3), at(kLine + 5)}}));
  EXPECT_EQ(found.gaps, (std::vector<CoverageGap>{{at(line.last_end), at(kLine), GapReason::DiskSlow, false},
                                                  {at(kLine + 2), at(kLine + 3), GapReason::Overload, false}}));
}

TEST_F(Coverages, WhatIsNotVisibleYetIsNoPartOfIt) {
  commit(*log_, 0, 2, std::nullopt);
  const FragmentNumber open = log_->open_fragment(at(3));
  commit(*log_, 5, 7, Gap{GapReason::Overload, at(2), at(5)});
  archive_->flush();  // durable and indexed, but a lower number is open
  const Coverage before = ask(std::nullopt, std::nullopt);
  EXPECT_EQ(before.ranges, (std::vector<CoverageRange>{{at(0), at(2)}}));
  EXPECT_TRUE(before.gaps.empty());
  log_->abandon(open);
  const Coverage after = ask(std::nullopt, std::nullopt);
  EXPECT_EQ(after.ranges, (std::vector<CoverageRange>{{at(0), at(2)}, {at(5), at(7)}}));
  EXPECT_EQ(after.gaps, (std::vector<CoverageGap>{{at(2), at(5), GapReason::Overload, false}}));
}

}  // namespace
}  // namespace streams
