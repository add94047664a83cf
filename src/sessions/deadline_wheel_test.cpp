// SPDX-License-Identifier: Apache-2.0
#include "sessions/deadline_wheel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/random.hpp"

namespace sessions {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::Instant kWheelStart = base::Instant(10h + 1234567ns);

std::vector<std::uint32_t> take(DeadlineWheel& wheel, base::Instant now) {
  std::vector<std::uint32_t> due;
  wheel.take_due(now, due);
  return due;
}

TEST(DeadlineWheel, GivesARowOnceWhenItsDeadlineHasCome) {
  DeadlineWheel wheel;
  take(wheel, kWheelStart);
  EXPECT_EQ(wheel.next_wake(), base::kNever);
  EXPECT_TRUE(wheel.set(3, kWheelStart + 20ms));
  EXPECT_FALSE(wheel.set(3, kWheelStart + 20ms));
  EXPECT_GE(wheel.next_wake(), kWheelStart + 20ms);
  EXPECT_LE(wheel.next_wake(), kWheelStart + 20ms + DeadlineWheel::kStep);
  EXPECT_THAT(take(wheel, kWheelStart + 19ms), IsEmpty());
  EXPECT_THAT(take(wheel, kWheelStart + 20ms + DeadlineWheel::kStep), ElementsAre(3));
  EXPECT_THAT(take(wheel, kWheelStart + 10s), IsEmpty());
}

TEST(DeadlineWheel, MovesInBothDirections) {
  DeadlineWheel wheel;
  take(wheel, kWheelStart);
  wheel.set(0, kWheelStart + 100ms);
  wheel.set(0, kWheelStart + 300ms);
  EXPECT_THAT(take(wheel, kWheelStart + 200ms), IsEmpty());
  wheel.set(0, kWheelStart + 220ms);
  EXPECT_THAT(take(wheel, kWheelStart + 230ms), ElementsAre(0));
  wheel.set(0, kWheelStart + 240ms);
  wheel.set(0, base::kNever);
  EXPECT_THAT(take(wheel, kWheelStart + 10s), IsEmpty());
}

TEST(DeadlineWheel, FindsWhatLiesBeyondItself) {
  DeadlineWheel wheel;
  take(wheel, kWheelStart);
  wheel.set(1, kWheelStart + 1h);
  base::Instant now = kWheelStart;
  while (now < kWheelStart + 1h) {
    now = std::max(now + 1ms, std::min(wheel.next_wake(), kWheelStart + 1h));
    if (now < kWheelStart + 1h) ASSERT_THAT(take(wheel, now), IsEmpty());
  }
  EXPECT_THAT(take(wheel, kWheelStart + 1h + DeadlineWheel::kStep), ElementsAre(1));
}

// Nobody looked for longer than the wheel goes around.
TEST(DeadlineWheel, LosesNothingWhenItStoodStill) {
  DeadlineWheel wheel;
  take(wheel, kWheelStart);
  wheel.set(0, kWheelStart + 50ms);
  wheel.set(1, kWheelStart + 1min);
  EXPECT_THAT(take(wheel, kWheelStart + 30s), ElementsAre(0));
  EXPECT_THAT(take(wheel, kWheelStart + 61s), ElementsAre(1));
}

// Against a map, with the owner's habits: mostly a little later, now and then earlier, never, or far away.
TEST(DeadlineWheel, IsNeverEarlyAndLateByOneStepAtMostBySeeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    base::SeededRandom random(seed);
    DeadlineWheel wheel;
    std::map<std::uint32_t, base::Instant> model;
    base::Instant now = kWheelStart;
    for (int round = 0; round < 3000; ++round) {
      const std::uint64_t pause = random.below(100) == 0 ? random.below(5000) : random.below(8);
      now += std::chrono::microseconds(1000 * pause + random.below(1000));
      for (const std::uint32_t row : take(wheel, now)) {
        ASSERT_TRUE(model.contains(row));
        ASSERT_LE(model[row], now);
        model.erase(row);
      }
      for (const auto& [row, deadline] : model) {
        ASSERT_GT(deadline + DeadlineWheel::kStep, now);
        ASSERT_LE(wheel.next_wake(), deadline + DeadlineWheel::kStep);
      }
      for (int change = 0; change < 3; ++change) {
        const auto row = static_cast<std::uint32_t>(random.below(40));
        const std::uint64_t kind = random.below(20);
        const std::uint64_t reach = kind == 0 ? 20'000'000 : kind < 4 ? 3'000'000 : 100'000;
        const base::Instant deadline = kind == 19 ? base::kNever : now + std::chrono::microseconds(random.below(reach));
        wheel.set(row, deadline);
        model.erase(row);
        if (deadline != base::kNever) model[row] = deadline;
      }
    }
  }
}

}  // namespace
}  // namespace sessions
