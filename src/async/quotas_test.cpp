// SPDX-License-Identifier: Apache-2.0
#include "async/quotas.hpp"

#include <gtest/gtest.h>

namespace async {
namespace {

using namespace std::chrono_literals;

TEST(RateQuotas, count_every_key_for_itself_and_forget_those_at_rest) {
  RateQuotas quotas;
  const base::Instant now(100s);
  EXPECT_TRUE(quotas.take("a", 1, now));
  EXPECT_FALSE(quotas.take("a", 1, now));
  EXPECT_TRUE(quotas.take("b", 1, now));
  for (std::size_t i = 2; i < RateQuotas::kMaxKeys; ++i) EXPECT_TRUE(quotas.take(std::to_string(i), 1, now));
  EXPECT_FALSE(quotas.take("one too many", 1, now));
  EXPECT_TRUE(quotas.take("one too many", 0, now)) << "no limit needs no key";
  EXPECT_TRUE(quotas.take("one too many", 1, now + 1s));
}

TEST(RateQuotas, say_how_long_bytes_wait) {
  RateQuotas quotas;
  const base::Instant now(100s);
  EXPECT_EQ(quotas.reserve("a", 1000, 1000, now), 0s);
  EXPECT_EQ(quotas.reserve("a", 1000, 500, now), 500ms);
  EXPECT_EQ(quotas.reserve("a", 1000, 500, now + 1s), 0s);
  EXPECT_EQ(quotas.reserve("a", 0, 500, now), 0s);
}

TEST(ConnectionQuotas, give_back_what_ends) {
  ConnectionQuotas quotas;
  auto first = quotas.take("a", "one", 2);
  {
    const auto second = quotas.take("a", "two", 2);
    EXPECT_TRUE(second.has_value());
    EXPECT_FALSE(quotas.take("a", "three", 2).has_value());
    EXPECT_TRUE(quotas.take("b", "three", 2).has_value());
  }
  EXPECT_TRUE(quotas.take("a", "three", 2).has_value());
  auto again = quotas.take("a", "one", 1);
  ASSERT_TRUE(again.has_value()) << "the same holder counts once";
  first.reset();
  EXPECT_FALSE(quotas.take("a", "two", 1).has_value()) << "its other connection is still there";
  ConnectionQuotas::Slot moved = *std::move(again);
  again.reset();
  EXPECT_FALSE(quotas.take("a", "two", 1).has_value());
}

}  // namespace
}  // namespace async
