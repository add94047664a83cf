// SPDX-License-Identifier: Apache-2.0
#include "rtp/path_estimate.hpp"

#include <gtest/gtest.h>

namespace rtp {
namespace {

using std::chrono::milliseconds;

// A packet of 1,000 bytes each 20 ms, and feedback about five of them at a time; `wait` in milliseconds as the
// receiver's clock has it.
class PathEstimateTest : public testing::Test {
 protected:
  void send(int packets, auto wait) {
    for (int i = 0; i < packets; i += 5) {
      TransportFeedback feedback;
      feedback.base_sequence = number_;
      std::int64_t last = 0;
      for (int k = 0; k < 5; ++k, now_ += milliseconds(20)) {
        path_.note_sent(now_, number_++, 1000, true);
        const std::int64_t arrived = 4 * ((now_ - start_) / milliseconds(1) + receiver_ + wait(i + k));
        if (k == 0) {
          last = arrived / 256 * 256;
          feedback.reference_time = static_cast<std::int32_t>(static_cast<std::uint32_t>(arrived / 256) << 8) >> 8;
        }
        feedback.deltas.emplace_back(static_cast<std::int16_t>(arrived - last));
        last = arrived;
      }
      path_.handle_feedback(now_ + milliseconds(50), feedback);
    }
  }

  PathEstimate path_;
  const base::Instant start_{std::chrono::hours(3)};
  base::Instant now_ = start_;
  std::uint16_t number_ = 65'000;
  // Half a second before the reference time rolls over.
  std::int64_t receiver_ = (1LL << 23) * 64 - 500;
};

TEST_F(PathEstimateTest, AWaitThatStaysIsNoQueue) {
  send(1000, [](int) { return 30; });
  EXPECT_LE(path_.queue(), milliseconds(1));
  EXPECT_FALSE(path_.is_overloaded());
}

TEST_F(PathEstimateTest, AQueueThatGrowsIsOverload) {
  send(100, [](int) { return 30; });
  send(50, [](int i) { return 30 + 6 * i; });
  EXPECT_TRUE(path_.is_overloaded());
  EXPECT_GT(path_.queue(), milliseconds(200));
}

TEST_F(PathEstimateTest, AQueueThatDrainsIsNot) {
  send(100, [](int) { return 30; });
  for (int burst = 0; burst < 10; ++burst) {
    send(100, [&](int i) {
      EXPECT_FALSE(path_.is_overloaded());
      return 30 + std::max(0, 600 - 8 * i);
    });
  }
}

TEST_F(PathEstimateTest, ALongQueueThatStandsIs) {
  send(100, [](int) { return 30; });
  send(100, [](int) { return 330; });
  EXPECT_TRUE(path_.is_overloaded());
}

TEST_F(PathEstimateTest, ClocksMayDrift) {
  send(50'000, [](int i) { return 30 + i / 100; });  // 500 ppm for 1,000 s
  EXPECT_LT(path_.queue(), milliseconds(40));
  EXPECT_FALSE(path_.is_overloaded());
}

TEST_F(PathEstimateTest, WhatWasNotSentIsPassedOver) {
  send(10, [](int) { return 30; });
  TransportFeedback feedback;
  feedback.base_sequence = 1234;
  feedback.reference_time = -77;
  feedback.deltas.assign(65'535, std::int16_t{-32'768});
  path_.handle_feedback(now_, feedback);
  EXPECT_FALSE(path_.is_overloaded());
  EXPECT_FALSE(path_.take_train());
}

// Ten packets at once, and `microseconds` between their arrivals.
PathEstimate::Train train_of(int microseconds, bool lose_one = false) {
  PathEstimate path;
  const base::Instant now{std::chrono::seconds(5)};
  TransportFeedback feedback;
  for (std::uint16_t i = 0; i < 10; ++i) {
    path.note_sent(now, i, 1000, true);
    feedback.deltas.emplace_back(static_cast<std::int16_t>(i == 0 ? 0 : microseconds / 250));
  }
  if (lose_one) feedback.deltas[4].reset();
  path.handle_feedback(now + std::chrono::seconds(1), feedback);
  const auto train = path.take_train();
  EXPECT_TRUE(train);
  EXPECT_FALSE(path.take_train()) << "told twice";
  return train.value_or(PathEstimate::Train{});
}

TEST(Train, TellsTheRateOfThePath) {
  // 8,000 bits in 8 ms are 1 Mbit/s.
  EXPECT_TRUE(train_of(8000).carries(999'000));
  EXPECT_FALSE(train_of(8000).carries(1'001'000));
  EXPECT_TRUE(train_of(250).carries(100'000'000)) << "no queue: nobody knows how much more it would carry";
  EXPECT_FALSE(train_of(250, true).carries(1000)) << "one was lost";
}

}  // namespace
}  // namespace rtp
