// SPDX-License-Identifier: Apache-2.0
#include "sessions/overload.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

namespace sessions {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A shard as a queue with one server: what comes in and what it can do, in units of what it can do in a second.
class Shard {
 public:
  explicit Shard(bool heeded, double busy_limit = Overload::kBusyLimit) : heeded_(heeded), overload_(busy_limit) {}

  double offered = 0;         // by all sessions, were they asked for nothing
  double kernel_drops = 0;    // in all
  double most_rest = 0;       // ever
  double least_bitrate = 1;   // ever
  int rests = 0;              // times that sessions began to rest
  bool refused_first = true;  // no other measure was ever taken while new sessions were let in
  const Overload& overload() const { return overload_; }

  void run(base::Duration time) {
    for (const base::Instant end = now_ + time; now_ < end;) step();
  }

 private:
  static constexpr double kQueue = 0.25;  // a quarter of a second's work

  void step() {
    now_ += Overload::kLookEvery;
    asked_.push_back(overload_.bitrate_share());
    if (asked_.size() > 20) asked_.pop_front();  // senders take a second to heed a REMB
    const double bitrate = heeded_ ? asked_.front() : 1;
    const double look = 0.05;
    const double work = queue_ + offered * (1 - overload_.resting_share()) * bitrate * look;
    const double done = std::min(work, look);
    queue_ = std::min(work - done, kQueue);
    const double dropped = work - done - queue_;
    kernel_drops += dropped;

    const double resting = overload_.resting_share();
    overload_.look(now_, {queue_ / kQueue, {}, done / look, dropped > 0 ? 1U : 0U});
    if (overload_.resting_share() > resting) ++rests;
    most_rest = std::max(most_rest, overload_.resting_share());
    least_bitrate = std::min(least_bitrate, overload_.bitrate_share());
    if (overload_.admits() && (overload_.resting_share() > 0 || overload_.bitrate_share() < 1)) refused_first = false;
  }

  const bool heeded_;
  Overload overload_;
  base::Instant now_{std::chrono::hours(8)};
  double queue_ = 0;
  std::deque<double> asked_;
};

TEST(Overload, NothingHappensBelowTheLimit) {
  Shard shard(true);
  shard.offered = 0.7;
  shard.run(seconds(60));
  EXPECT_TRUE(shard.overload().admits());
  EXPECT_EQ(shard.least_bitrate, 1);
  EXPECT_EQ(shard.most_rest, 0);
}

// One session more each tenth of a second, as long as they are let in.
TEST(Overload, NewSessionsAreRefusedBeforeOthersSuffer) {
  Shard shard(false);
  for (int second = 0; second < 600; ++second) {
    if (shard.overload().admits()) shard.offered += 0.002;
    shard.run(milliseconds(100));
  }
  EXPECT_FALSE(shard.overload().admits());
  EXPECT_GE(shard.offered, 0.85);
  EXPECT_LE(shard.offered, 1.0);
  EXPECT_EQ(shard.most_rest, 0);
  EXPECT_EQ(shard.least_bitrate, 1);
  EXPECT_EQ(shard.kernel_drops, 0);
}

// The same with other limits; above the whole of the time only what waits counts.
TEST(Overload, TheLimitIsWhatItIsSetTo) {
  for (const auto& [limit, least, most] : {std::array{0.5, 0.48, 0.55}, std::array{1.0, 0.97, 1.1}}) {
    Shard shard(false, limit);
    for (int second = 0; second < 600; ++second) {
      if (shard.overload().admits()) shard.offered += 0.002;
      shard.run(milliseconds(100));
    }
    EXPECT_FALSE(shard.overload().admits()) << limit;
    EXPECT_GE(shard.offered, least);
    EXPECT_LE(shard.offered, most);
    shard.offered = limit - 0.2;
    shard.run(seconds(120));
    EXPECT_TRUE(shard.overload().admits()) << limit;
  }
}

TEST(Overload, SendersThatHeedAreAskedForLessAndNobodyRests) {
  Shard shard(true);
  shard.offered = 0.7;
  shard.run(seconds(10));
  shard.offered = 1.08;  // pictures that are harder to encode
  shard.run(seconds(60));
  EXPECT_LT(shard.least_bitrate, 1);
  EXPECT_EQ(shard.most_rest, 0);
  EXPECT_EQ(shard.kernel_drops, 0);
  EXPECT_TRUE(shard.refused_first);
}

TEST(Overload, TwiceTheLoadMakesSomeRestAndLosesNothingAtRandom) {
  for (const bool heeded : {false, true}) {
    Shard shard(heeded);
    shard.offered = 0.9;
    shard.run(seconds(10));
    shard.offered = 2.0;
    shard.run(seconds(60));
    EXPECT_EQ(shard.kernel_drops, 0) << heeded;
    EXPECT_FALSE(shard.overload().admits()) << heeded;
    EXPECT_TRUE(shard.refused_first) << heeded;
    EXPECT_LE(shard.most_rest, 0.8) << heeded << ": most of what can be carried goes on";
    if (!heeded) EXPECT_GE(shard.overload().resting_share(), 0.5);
  }
}

// A server that may use a part of a processor has a buffer for many seconds, and its thread never looks busy.
TEST(Overload, ADelayThatGrowsIsEnough) {
  Overload overload;
  base::Instant now{std::chrono::hours(8)};
  base::Duration refused = base::kNever - now, rested = refused;
  for (base::Duration passed{}; passed < seconds(4); passed += Overload::kLookEvery) {
    overload.look(now + passed, {0.01, passed / 2, 0.3, 0});
    if (!overload.admits()) refused = std::min(refused, passed);
    if (overload.resting_share() > 0) rested = std::min(rested, passed);
  }
  EXPECT_LT(refused, milliseconds(600));
  EXPECT_GT(rested, refused);
  EXPECT_LT(rested, seconds(3));
}

// A thread that gets to look every 0.7 s only.
TEST(Overload, FewLooksAreEnough) {
  Overload overload;
  const base::Instant now{std::chrono::hours(8)};
  base::Duration passed{};
  for (; overload.resting_share() == 0 && passed < seconds(10); passed += milliseconds(700)) {
    overload.look(now + passed, {0.01, passed / 2, 0.3, 0});
  }
  EXPECT_LT(passed, seconds(4));
}

// The thread gets its turns late, and then all that waited is read at once.
TEST(Overload, TurnsThatComeLateAreNoQueue) {
  Overload overload;
  base::Instant now{std::chrono::hours(8)};
  for (int turn = 0; turn < 2000; ++turn) {
    now += Overload::kLookEvery;
    const bool late = turn % 3 != 0;
    overload.look(now, {late ? 0.9 : 0.01, late ? seconds(1) : milliseconds(1), 0.3, 0});
    ASSERT_TRUE(overload.admits()) << turn;
  }
  EXPECT_EQ(overload.bitrate_share(), 1);
  EXPECT_EQ(overload.resting_share(), 0);
}

// The whole machine stood still for a while. With `load` of what the shard can do, what waits becomes less again.
TEST(Overload, AQueueThatEmptiesByItselfMakesNobodyRest) {
  for (const double load : {0.5, 0.7, 0.85}) {
    for (const base::Duration still : {milliseconds(300), milliseconds(600), milliseconds(1000), milliseconds(1600)}) {
      Overload overload;
      base::Instant now{std::chrono::hours(8)};
      for (int look = 0; look < 20; ++look) overload.look(now += Overload::kLookEvery, {0, {}, load, 0});
      // The first look finds that the buffer was full; the queue begins to be read.
      now += still;
      overload.look(now, {1, {}, 0.02, 6000});
      double delay = std::chrono::duration<double>(still).count();
      for (; delay > 0; delay -= 0.05 * (1 / load - 1), now += Overload::kLookEvery) {
        // What the kernel counts falls by a quarter of its buffer at a time.
        const double counted = std::min(0.99, std::ceil(delay / 2.5 * 4) / 4);
        const std::chrono::duration<double> late(delay);
        const bool full = delay > 0.9 * std::chrono::duration<double>(still).count();
        overload.look(now, {counted, std::chrono::duration_cast<base::Duration>(late), 1, full ? 1000U : 0U});
        ASSERT_EQ(overload.resting_share(), 0) << load << ", " << delay << " s left of " << still / milliseconds(1);
      }
    }
  }
}

// Each return to too much costs a gap: they come ever more rarely.
TEST(Overload, WhatRestsComesBackOnlyWhenThereIsRoom) {
  Shard shard(false);
  shard.offered = 2.0;
  shard.run(seconds(60));
  const int before = shard.rests;
  shard.run(seconds(600));
  EXPECT_LE(shard.rests - before, 12);
  EXPECT_EQ(shard.kernel_drops, 0);
  EXPECT_GE(1 - shard.overload().resting_share(), 0.3) << "what can be carried is carried";

  shard.offered = 0.5;
  shard.run(seconds(180));
  EXPECT_EQ(shard.overload().resting_share(), 0);
  EXPECT_EQ(shard.overload().bitrate_share(), 1);
  EXPECT_TRUE(shard.overload().admits());
}

}  // namespace
}  // namespace sessions
