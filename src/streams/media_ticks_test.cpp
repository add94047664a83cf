// SPDX-License-Identifier: Apache-2.0
#include "streams/media_ticks.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"

namespace streams {
namespace {

// What a browser makes of a media time and of the offset that a player gives to begin with it, in microseconds
// (Chromium: TimeDelta of a fraction, rounded down; of a double of seconds, cut off).
std::int64_t place_in_browser(std::int64_t ticks, std::uint32_t rate) {
  const auto whole = static_cast<std::int64_t>(static_cast<__int128>(ticks) * 1'000'000 / rate);
  const double offset = -(static_cast<double>(ticks) / rate);
  return whole + static_cast<std::int64_t>(std::trunc(offset * 1e6));
}

TEST(MediaTicks, AreThoseOfTheTimeOrRightAfter) {
  EXPECT_EQ(to_media_ticks(base::from_microseconds(0), 90'000), 0);
  EXPECT_EQ(to_media_ticks(base::from_microseconds(1'795'717'334'000'000), 90'000), 1'795'717'334LL * 90'000);
  EXPECT_EQ(to_media_ticks(base::from_microseconds(66'667), 90'000), 6'000);
  EXPECT_EQ(to_media_ticks(base::from_microseconds(93), 90'000), 9) << "8 is at 88.9 us";
  EXPECT_EQ(to_media_ticks(base::from_microseconds(999'999), 90'000), 90'000);
}

TEST(MediaTicks, APresentationThatBeginsAnywhereHasItsFirstPicture) {
  base::SeededRandom random(1);
  for (const std::uint32_t rate : {90'000U, 48'000U, 44'100U, 16'000U}) {
    std::int64_t before = 0;
    for (std::int64_t us = 1'795'717'334'608'405; us < 1'795'717'335'608'405;
         us += 1 + static_cast<std::int64_t>(random.below(60))) {
      const std::int64_t ticks = to_media_ticks(base::from_microseconds(us), rate);
      ASSERT_GE(place_in_browser(ticks, rate), 0) << us << " at " << rate;
      ASSERT_LE(place_in_browser(ticks, rate), 1) << us << " at " << rate;
      const auto exact = static_cast<std::int64_t>(static_cast<__int128>(us) * rate / 1'000'000);
      ASSERT_GE(ticks, exact);
      ASSERT_LE(ticks, exact + 2);
      ASSERT_GE(ticks, before);
      before = ticks;
    }
  }
}

}  // namespace
}  // namespace streams
