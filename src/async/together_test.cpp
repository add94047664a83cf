// SPDX-License-Identifier: Apache-2.0
#include "async/together.hpp"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "async/notify.hpp"
#include "async/timer.hpp"

namespace async {
namespace {

// Says when its frame was destroyed.
struct Ended {
  bool& flag;
  ~Ended() { flag = true; }
};

Task<void> wait_for_ever(Shard& shard, bool& ended, bool& cancelled) {
  const Ended at_end{ended};
  try {
    Notify never(shard);
    co_await never.wait();
  } catch (const boost::system::system_error& error) {
    cancelled = error.code() == boost::asio::error::operation_aborted;
    throw;
  }
}

TEST(FirstOf, CancelsTheOtherAndWaitsForIt) {
  Shard shard("one");
  bool ended = false, cancelled = false;
  shard.run_blocking([&]() -> Task<void> {
    const auto soon = []() -> Task<void> {
      co_await yield();
      co_await yield();
    };
    co_await first_of(wait_for_ever(shard, ended, cancelled), soon());
    EXPECT_TRUE(ended && cancelled);
    ended = cancelled = false;
    co_await first_of(soon(), wait_for_ever(shard, ended, cancelled));
    EXPECT_TRUE(ended && cancelled);
  });
}

TEST(FirstOf, BothEndWhenTheCallerIsCancelled) {
  Shard shard("one");
  bool ended[2] = {}, cancelled[2] = {};
  bool after = false;
  const TaskHandle task = shard.spawn("both", [&]() -> Task<void> {
    co_await first_of(wait_for_ever(shard, ended[0], cancelled[0]), wait_for_ever(shard, ended[1], cancelled[1]));
    after = true;
  });
  shard.run_blocking([]() -> Task<void> {
    for (int i = 0; i < 20; ++i) co_await yield();
  });
  task.cancel();
  shard.run_blocking([&]() -> Task<void> {
    while (!task.is_done()) co_await yield();
  });
  EXPECT_TRUE(ended[0] && cancelled[0] && ended[1] && cancelled[1]);
  EXPECT_FALSE(after);
}

}  // namespace
}  // namespace async
