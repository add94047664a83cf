// SPDX-License-Identifier: Apache-2.0
#include "rtp/packet_history.hpp"

#include <gtest/gtest.h>

namespace rtp {
namespace {

constexpr base::Instant kNow{std::chrono::seconds(1)};

TEST(PacketHistory, TakesNothingWhileNobodyReads) {
  PacketHistory history;
  const base::Bytes payload{0x65, 0x88, 1};
  history.note_clock({.ntp = 5, .rtp_timestamp = 6, .arrived = kNow});
  history.add(kNow, {.sequence = 10, .timestamp = 1, .marker = true}, payload);
  ASSERT_NE(history.find(10), nullptr);
  const std::uint64_t epoch = history.epoch();

  history.set_wanted(false);
  EXPECT_EQ(history.find(10), nullptr);
  history.add(kNow, {.sequence = 11, .timestamp = 1, .marker = true}, payload);
  EXPECT_EQ(history.find(11), nullptr);
  EXPECT_TRUE(history.fresh().empty());
  EXPECT_EQ(history.newest(), -1);

  history.set_wanted(true);
  history.add(kNow, {.sequence = 12, .timestamp = 1, .marker = true}, payload);
  EXPECT_NE(history.find(12), nullptr);
  EXPECT_EQ(history.fresh().size(), 1U);
  EXPECT_NE(history.epoch(), epoch) << "those who forward it must see that it is not the packet after 10";
  ASSERT_TRUE(history.source_clock());
  EXPECT_EQ(history.source_clock()->ntp, 5U);
}

// Whoever comes later begins with the newest key frame, and a camera need not make one because somebody came.
TEST(PacketHistory, KeepsAllSinceTheNewestKeyFrame) {
  PacketHistory history;
  const base::Bytes sets{0x67, 1}, key{0x65, 0x88, 1}, other{0x41, 0x88, 1};
  std::int64_t sequence = 1000;
  base::Instant now = kNow;
  const auto add = [&](const base::Bytes& payload, std::uint32_t timestamp) {
    history.add(now, {.sequence = sequence++, .timestamp = timestamp, .marker = true}, payload);
  };
  for (int group = 0; group < 2; ++group) {
    const std::int64_t first = sequence;
    add(sets, static_cast<std::uint32_t>(group * 2'000'000 + 1));
    add(key, static_cast<std::uint32_t>(group * 2'000'000 + 2));
    for (int i = 1; i < 1500; ++i, now += std::chrono::milliseconds(13)) {
      add(other, static_cast<std::uint32_t>(group * 2'000'000 + i * 1200));
    }
    EXPECT_EQ(history.newest_key_frame(), first) << group;
    for (std::int64_t each = first; each < sequence; ++each) ASSERT_NE(history.find(each), nullptr) << each;
  }
  for (int i = 0; i < 10'000; ++i) add(other, 9'000'000);
  EXPECT_EQ(history.newest_key_frame(), std::nullopt) << "memory is bounded";
}

TEST(PacketHistory, BeginsBeforeTheNextPacket) {
  PacketHistory history;
  const base::Bytes sei{0x06, 1}, key{0x65, 0x88, 1}, other{0x41, 0x88, 1};
  history.note_clock({.ntp = 5, .rtp_timestamp = 6, .arrived = kNow});
  history.add(kNow, {.sequence = 70'000, .timestamp = 9, .marker = true}, other);
  history.forget_fresh();
  const std::uint64_t epoch = history.epoch();
  const EarlierPacket packets[] = {{1, false, sei}, {1, true, key}, {4, true, other}};
  history.begin_before(kNow, 70'001, packets);
  EXPECT_NE(history.epoch(), epoch);
  EXPECT_EQ(history.source_clock()->ntp, 5U);
  EXPECT_EQ(history.newest_key_frame(), 69'998);
  EXPECT_EQ(history.newest(), 70'000);
  EXPECT_EQ(history.fresh().size(), 3U);
  EXPECT_EQ(history.find(69'999)->payload, key);
  EXPECT_EQ(history.find(70'000)->timestamp, 4U);
  EXPECT_EQ(history.bits_per_second(), 0U) << "it did not come now";
}

}  // namespace
}  // namespace rtp
