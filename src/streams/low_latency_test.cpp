// SPDX-License-Identifier: Apache-2.0
#include "streams/low_latency.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.hpp"

namespace streams {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kOpening{microseconds(1'795'000'000'123'457)};

std::vector<PartPicture> make_pictures(std::span<const int> steps_ms) {
  std::vector<PartPicture> pictures{{kOpening, true}};
  for (const int step : steps_ms) pictures.push_back({pictures.back().time + milliseconds(step), false});
  return pictures;
}

std::vector<int> durations_ms(std::span<const PicturePart> parts) {
  std::vector<int> all;
  for (const PicturePart& part : parts) all.push_back(static_cast<int>(part.duration / milliseconds(1)));
  return all;
}

// rfc8216bis 4.4.4.9, with pictures as cameras send them.
TEST(Parts, AreBetween85PercentAndAllOfTheTarget) {
  for (const int rate : {5, 8, 10, 12, 15, 20, 24, 25, 30, 50, 60}) {
    const auto interval = microseconds(1'000'000 / rate);
    const microseconds target = choose_part_target(interval);
    EXPECT_GE(target, milliseconds(200)) << rate;
    EXPECT_LE(target, milliseconds(500)) << rate;
    std::vector<PartPicture> pictures;
    for (int i = 0; i < 2 * rate; ++i) pictures.push_back({kOpening + interval * i + microseconds(i % 3 * 11), i == 0});
    const base::WallTime end = kOpening + interval * 2 * rate;
    const auto parts = cut_pictures(pictures, end, target);
    ASSERT_FALSE(parts.empty());
    microseconds sum{};
    std::size_t next = 0;
    for (const PicturePart& part : parts) {
      EXPECT_EQ(part.first, next);
      next += part.count;
      sum += part.duration;
      EXPECT_LE(part.duration, target) << rate;
      const bool is_last = &part == &parts.back();
      EXPECT_TRUE(is_last || part.duration * 100 >= target * 85) << rate << ": " << part.duration.count();
      EXPECT_EQ(part.independent, part.first == 0);
    }
    EXPECT_EQ(next, pictures.size());
    EXPECT_EQ(sum, end - kOpening);
  }
}

TEST(Parts, AnUnsteadyRateMakesShortPartsAndOnlyOnePictureALongOne) {
  const std::vector<int> steps{40, 40, 40, 40, 40, 40, 40, 40, 150, 40, 40, 40, 700, 40};
  const auto pictures = make_pictures(steps);
  const auto parts = cut_pictures(pictures, pictures.back().time + milliseconds(40), milliseconds(252));
  EXPECT_EQ(durations_ms(parts), (std::vector{240, 230, 120, 700, 80}));
}

// What was shown of an open fragment stays as it was when more pictures come.
TEST(Parts, NeverChangeWhileTheFragmentGrows) {
  base::SeededRandom random(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<int> steps;
    for (int i = 0; i < 80; ++i) steps.push_back(static_cast<int>(random.below(round % 2 == 0 ? 60 : 400)));
    const auto pictures = make_pictures(steps);
    const base::WallTime end = pictures.back().time + milliseconds(33);
    const auto whole = cut_pictures(pictures, end, milliseconds(252));
    for (std::size_t count = 1; count <= pictures.size(); ++count) {
      const auto some = cut_pictures(std::span(pictures).first(count), std::nullopt, milliseconds(252));
      ASSERT_LE(some.size(), whole.size());
      for (std::size_t i = 0; i < some.size(); ++i) {
        ASSERT_EQ(some[i].first, whole[i].first);
        ASSERT_EQ(some[i].count, whole[i].count);
        ASSERT_EQ(some[i].duration, whole[i].duration);
      }
    }
  }
}

TEST(Parts, NoneOfPicturesThatAreNotInTheOrderTheyAreShown) {
  const std::vector<int> steps{120, -80, 40, 120, -80, 40};
  const auto pictures = make_pictures(steps);
  EXPECT_TRUE(cut_pictures(pictures, kOpening + seconds(1), milliseconds(100)).empty());
  EXPECT_TRUE(cut_pictures({}, kOpening, milliseconds(100)).empty());
}

TEST(Parts, SoundHasTheUnitsOfItsFragmentAndWaitsForWhatTheyNeed) {
  const base::WallTime end = kOpening + milliseconds(2013);
  const AacUnits units = find_aac_units(kOpening, end);
  const auto whole = cut_sound(kOpening, end, end, milliseconds(252));
  std::int64_t next = units.first;
  for (const SoundPart& part : whole) {
    EXPECT_EQ(part.units.first, next);
    next += part.units.count;
    EXPECT_TRUE(&part == &whole.back() || part.units.count == 11);  // 234.7 of 252 ms
  }
  EXPECT_EQ(next, units.first + units.count);
  for (int known = 0; known < 2013; known += 7) {
    const base::WallTime until = kOpening + milliseconds(known);
    const auto some = cut_sound(kOpening, std::nullopt, until, milliseconds(252));
    ASSERT_LE(some.size(), whole.size());
    for (std::size_t i = 0; i < some.size(); ++i) EXPECT_EQ(some[i].units, whole[i].units);
    if (some.empty()) continue;
    const AacUnits last = some.back().units;
    EXPECT_LE((last.first + last.count - 1) * kAacFrameSamples + kAacReach, to_timeline_sample(until) + 1);
  }
  EXPECT_EQ(cut_sound(kOpening, end, end - milliseconds(1), milliseconds(252)).size() + 1, whole.size());
}

TEST(Parts, TheSpanOfUnitsHasJustThem) {
  for (std::int64_t first = 84'140'630'789; first < 84'140'630'889; ++first) {
    const AacUnits units{first, 11};
    const AacSpan span = span_of(units);
    EXPECT_EQ(find_aac_units(span.start, span.end), units);
  }
}

// rfc8216bis 6.2.5.2
TEST(Reload, IsAnsweredWhenTheSegmentOrPartIsThere) {
  struct Row {
    std::optional<std::uint64_t> msn, part;
    Reload verdict;
  };
  // Segment 9 is whole and has 8 parts; of segment 10 there are 3.
  const PlaylistEnd end{.last_msn = 9, .last_parts = 8, .next_parts = 3, .part_target = milliseconds(252)};
  const Row rows[] = {
      {std::nullopt, std::nullopt, Reload::Answer},
      {std::nullopt, 3, Reload::TooFar},  // a part of nothing
      {7, std::nullopt, Reload::Answer},
      {8, 99, Reload::Answer},
      {9, std::nullopt, Reload::Answer},
      {9, 7, Reload::Answer},
      {9, 8, Reload::Answer},  // past its end: part 0 of the next
      {10, std::nullopt, Reload::Wait},
      {10, 2, Reload::Answer},
      {10, 3, Reload::Wait},
      {10, 15, Reload::Wait},
      {10, 16, Reload::TooFar},  // by 12 parts, 3 s
      {11, std::nullopt, Reload::Wait},
      {11, 0, Reload::Wait},
      {12, std::nullopt, Reload::TooFar},
      {UINT32_MAX, 0, Reload::TooFar},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(judge_reload({.msn = row.msn, .part = row.part}, end), row.verdict)
        << row.msn.value_or(0) << "." << row.part.value_or(999);
  }
  const PlaylistEnd quiet{.last_msn = 9, .last_parts = 8, .next_parts = 0, .part_target = milliseconds(252)};
  EXPECT_EQ(judge_reload({.msn = 9, .part = 8}, quiet), Reload::Wait);
}

}  // namespace
}  // namespace streams
