// SPDX-License-Identifier: Apache-2.0
#include "streams/held_frames.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "base/random.hpp"

namespace streams {
namespace {

struct Expected {
  std::int64_t rtp;
  base::Bytes payload;
};

void expect_same(const HeldFrames& held, const std::deque<Expected>& expected) {
  ASSERT_EQ(held.size(), expected.size());
  ASSERT_EQ(held.empty(), expected.empty());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const HeldFrame& frame = held.frames()[i];
    ASSERT_EQ(frame.rtp, expected[i].rtp);
    const base::ByteView payload = held.payload(frame);
    ASSERT_EQ(base::Bytes(payload.begin(), payload.end()), expected[i].payload);
    bytes += payload.size();
  }
  EXPECT_EQ(held.bytes(), bytes);
}

// Against a deque of frames that each have a buffer of their own.
TEST(HeldFrames, AnyOrderOfPushesAndDrops) {
  base::SeededRandom random(1);
  HeldFrames held;
  std::deque<Expected> expected;
  for (std::int64_t i = 0; i < 5000; ++i) {
    base::Bytes payload(random.below(random.below(40) == 0 ? 3 * HeldFrames::kChunk : 600));
    random.fill(payload);
    HeldFrame frame;
    frame.rtp = i;
    held.push(frame, payload);
    expected.push_back({i, payload});
    while (expected.size() > 1 && random.below(100) < 45) {
      held.drop_front();
      expected.pop_front();
    }
    if (random.below(50) == 0) {
      const std::int64_t third = static_cast<std::int64_t>(random.below(3));
      held.drop_if([&](const HeldFrame& frame) { return frame.rtp % 3 == third; });
      std::erase_if(expected, [&](const Expected& each) { return each.rtp % 3 == third; });
    }
    expect_same(held, expected);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// A queue of small payloads, emptied from the front, holds little more than what is in it.
TEST(HeldFrames, GivesBackWhatIsDropped) {
  constexpr std::size_t kSize = 1000;
  HeldFrames held;
  for (int i = 0; i < 2000; ++i) {
    held.push({}, base::Bytes(kSize));
    if (held.size() > 100) held.drop_front();
    ASSERT_LE(held.room(), held.bytes() * 9 / 8 + 2 * HeldFrames::kChunk);
  }
  held.push({}, base::Bytes(5 * HeldFrames::kChunk));
  held.drop_if([](const HeldFrame&) { return true; });
  EXPECT_LE(held.room(), HeldFrames::kChunk);
  held.push({}, base::Bytes(kSize));
  EXPECT_EQ(held.room(), HeldFrames::kChunk);
}

}  // namespace
}  // namespace streams
