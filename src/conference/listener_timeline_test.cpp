// SPDX-License-Identifier: Apache-2.0
#include "conference/listener_timeline.hpp"

#include <gtest/gtest.h>

namespace conference {
namespace {

using std::chrono::milliseconds;

constexpr base::Instant kBegin{std::chrono::hours(1)};
constexpr std::uint32_t kFirst = 0xffff'ff00;  // it wraps soon
constexpr std::int64_t kPacket = 960;          // 20 ms

TEST(ListenerTimeline, AnotherSourceGoesOnWhereTheLastOneEnded) {
  ListenerTimeline timeline(kFirst);
  EXPECT_EQ(timeline.place(kBegin, 1, 5'000, kPacket).timestamp, kFirst);
  EXPECT_EQ(timeline.place(kBegin + milliseconds(20), 1, 5'960, kPacket).timestamp, kFirst + 960);
  const auto other = timeline.place(kBegin + milliseconds(40), 2, -77'000, kPacket);
  EXPECT_EQ(other.timestamp, kFirst + 1'920);
  EXPECT_FALSE(other.after_pause);
}

TEST(ListenerTimeline, APauseIsAsLongAsTheClockSays) {
  ListenerTimeline timeline(kFirst);
  timeline.place(kBegin, 1, 0, kPacket);
  const auto later = timeline.place(kBegin + milliseconds(1'000), 2, 0, kPacket);
  EXPECT_EQ(later.timestamp, kFirst + 48'000);
  EXPECT_TRUE(later.after_pause);
}

// RFC 3550 5.1: sound that was sent is not sent over.
TEST(ListenerTimeline, NeverGoesBack) {
  ListenerTimeline timeline(kFirst);
  timeline.place(kBegin, 1, 0, kPacket);
  EXPECT_EQ(timeline.place(kBegin + milliseconds(5), 1, 480, kPacket).timestamp, kFirst + 960);
  EXPECT_EQ(timeline.place(kBegin + milliseconds(10), 1, -9'600, kPacket).timestamp, kFirst + 1'920);
}

}  // namespace
}  // namespace conference
