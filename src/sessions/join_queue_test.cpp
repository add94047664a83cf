// SPDX-License-Identifier: Apache-2.0
#include "sessions/join_queue.hpp"

#include <gtest/gtest.h>

namespace sessions {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::Instant kMorning{std::chrono::hours(8)};

std::vector<QueuedJoin> take_due(JoinQueue& queue, base::Instant now) {
  std::vector<QueuedJoin> taken;
  while (auto join = queue.pop(now)) taken.push_back(*std::move(join));
  return taken;
}

TEST(JoinQueue, AStormIsLetInEvenlyInItsOrder) {
  JoinQueue queue(200);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(queue.push({std::to_string(i), ""}));
  std::vector<std::string> order;
  base::Instant now = kMorning;
  for (int turn = 0; turn < 5000 && queue.size() > 0; ++turn) {
    const auto taken = take_due(queue, now);
    if (turn > 0) EXPECT_LE(taken.size(), 1U) << "more than one in a turn of 5 ms";
    for (const QueuedJoin& join : taken) order.push_back(join.arn);
    if (queue.size() > 0) now = std::max(now + milliseconds(1), queue.next_due());
  }
  ASSERT_EQ(order.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], std::to_string(i));
  const auto took = now - kMorning;
  EXPECT_GE(took, seconds(4));
  EXPECT_LE(took, seconds(5));
  EXPECT_EQ(queue.next_due(), base::kNever);
}

TEST(JoinQueue, WhoComesAloneDoesNotWait) {
  JoinQueue queue(10);
  for (int i = 0; i < 20; ++i) {
    const base::Instant now = kMorning + seconds(i);
    ASSERT_TRUE(queue.push({"door", "viewer"}));
    EXPECT_LE(queue.next_due(), now);
    EXPECT_EQ(take_due(queue, now).size(), 1U);
  }
}

TEST(JoinQueue, ARepeatedJoinWaitsOnce) {
  JoinQueue queue(1);
  EXPECT_TRUE(queue.push({"door", ""}));
  EXPECT_TRUE(queue.push({"door", ""}));
  EXPECT_TRUE(queue.push({"door", "viewer"}));
  EXPECT_EQ(queue.size(), 2U);
  take_due(queue, kMorning);
  EXPECT_TRUE(queue.push({"door", ""}));
  EXPECT_EQ(queue.size(), 2U);
}

TEST(JoinQueue, WhatWouldWaitTooLongIsSentAway) {
  JoinQueue queue(10);
  int taken = 0;
  while (taken < 1000 && queue.push({std::to_string(taken), ""})) ++taken;
  EXPECT_EQ(taken, 50);
  take_due(queue, kMorning);
  EXPECT_TRUE(queue.push({"another", ""}));
}

TEST(JoinQueue, WithoutARateEverybodyEntersAtOnce) {
  JoinQueue queue(0);
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(queue.push({std::to_string(i), ""}));
  EXPECT_EQ(take_due(queue, kMorning).size(), 3000U);
}

}  // namespace
}  // namespace sessions
