// SPDX-License-Identifier: Apache-2.0
#include "rtp/arrival_recorder.hpp"

#include <gtest/gtest.h>

namespace rtp {
namespace {

using std::chrono::milliseconds;

TEST(ArrivalRecorder, ReportsArrivalsLossesAndLateOnes) {
  ArrivalRecorder recorder;
  const base::Instant start{milliseconds(6400)};  // 100 units of the reference time
  recorder.record(start, 65534, 5);
  recorder.record(start + milliseconds(10), 65535, 5);
  recorder.record(start + milliseconds(11), 1, 5);
  EXPECT_TRUE(recorder.has_news());
  TransportFeedback feedback;
  ASSERT_TRUE(recorder.take(9, feedback));
  EXPECT_EQ(feedback, (TransportFeedback{9, 5, 65534, 100, 0, {0, 40, std::nullopt, 4}}));
  EXPECT_FALSE(recorder.has_news());
  recorder.record(start + milliseconds(9), 0, 5);  // called lost, and came: reported with what came after it
  recorder.record(start + milliseconds(20), 2, 5);
  ASSERT_TRUE(recorder.take(9, feedback));
  EXPECT_EQ(feedback, (TransportFeedback{9, 5, 0, 100, 1, {36, 8, 36}}));
}

TEST(ArrivalRecorder, SplitsWhatDoesNotFit) {
  ArrivalRecorder recorder;
  base::Instant now{std::chrono::seconds(1)};
  for (int i = 0; i < 500; ++i) recorder.record(now += milliseconds(1), static_cast<std::uint16_t>(i), 5);
  recorder.record(now += std::chrono::seconds(20), 500, 5);  // beyond 16 bits of 250 us
  std::size_t reported = 0;
  int count = 0;
  while (recorder.has_news()) {
    TransportFeedback feedback;
    ASSERT_TRUE(recorder.take(9, feedback));
    EXPECT_EQ(feedback.base_sequence, reported);
    reported += feedback.deltas.size();
    ++count;
  }
  EXPECT_EQ(reported, 501U);
  EXPECT_EQ(count, 3);
}

// Weeks of a session: times are kept in fewer bits than they have.
TEST(ArrivalRecorder, GoesOnForWeeks) {
  ArrivalRecorder recorder;
  base::Instant now{};
  std::uint16_t sequence = 65'000;
  for (int hour = 0; hour < 24 * 21; ++hour) {
    now += std::chrono::hours(1);
    for (int i = 0; i < 5; ++i) recorder.record(now += milliseconds(10), sequence++, 5);
    TransportFeedback feedback;
    std::vector<std::optional<std::int16_t>> deltas;
    std::int32_t reference = 0;
    while (recorder.has_news() && recorder.take(9, feedback)) {
      reference = feedback.reference_time;
      deltas = feedback.deltas;
    }
    ASSERT_EQ(deltas.size(), 5U) << "hour " << hour;
    const auto first = (now - milliseconds(40)).time_since_epoch() / std::chrono::microseconds(250);
    EXPECT_EQ(reference & 0xffffff, (first / 256) & 0xffffff) << "hour " << hour;
    EXPECT_EQ(deltas[0], first % 256);
    for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(deltas[i], 40);
  }
}

}  // namespace
}  // namespace rtp
