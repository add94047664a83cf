// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/tail_padding.hpp"

namespace webrtc {
namespace {

using std::chrono::milliseconds;

TEST(TailPadding, GrowingPausesAfterTheLastFrame) {
  TailPadding padding;
  EXPECT_EQ(padding.next_timeout(), base::kNever);
  const base::Instant start = base::Instant{} + std::chrono::seconds(5);
  padding.note_frame(start);
  std::vector<std::int64_t> sent;
  for (int i = 0; i < 10'000; ++i) {
    const base::Instant now = start + milliseconds(i);
    if (padding.take_due(now)) sent.push_back(i);
  }
  EXPECT_EQ(sent, (std::vector<std::int64_t>{100, 200, 400, 800, 1600}));
  EXPECT_EQ(padding.next_timeout(), base::kNever);
}

TEST(TailPadding, NothingWhileFramesFlow) {
  TailPadding padding;
  for (int i = 0; i < 100; ++i) {
    const base::Instant now = base::Instant{} + i * milliseconds(33);
    EXPECT_FALSE(padding.take_due(now));
    padding.note_frame(now);
  }
}

}  // namespace
}  // namespace webrtc
