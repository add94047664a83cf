// SPDX-License-Identifier: Apache-2.0
#include "client/pacer.hpp"

#include <gtest/gtest.h>

#include "async/timer.hpp"
#include "client/stop.hpp"
#include "client/turns.hpp"

namespace client {
namespace {

using std::chrono::milliseconds;

// Due every `interval`, `count` times.
class Beat final : public Paced {
 public:
  Beat(base::Instant first, base::Duration interval, int count) : due_(first), interval_(interval), left_(count) {}
  base::Instant send_due(base::Instant now) override {
    ++calls;
    too_early |= now < due_;
    due_ += interval_;
    return --left_ == 0 ? base::kNever : due_;
  }
  int calls = 0;
  bool too_early = false;

 private:
  base::Instant due_;
  base::Duration interval_;
  int left_;
};

TEST(Pacer, CallsEachAtItsTimesAndNeverBefore) {
  clear_stop();
  async::Shard shard("pacer");
  shard.run_blocking([&]() -> async::Task<void> {
    Pacer pacer(shard);
    const base::Instant begin = shard.now();
    Beat often(begin, milliseconds(5), 40);
    Beat later(begin + milliseconds(300), milliseconds(1), 1);  // more than a turn of the wheel away
    Beat removed(begin + milliseconds(150), milliseconds(1), 1);
    for (Beat* beat : {&often, &later, &removed})
      pacer.add(*beat, beat == &often ? begin : begin + milliseconds(beat == &later ? 300 : 150));
    pacer.remove(removed);
    const base::Instant deadline = begin + std::chrono::seconds(10);
    while ((often.calls < 40 || later.calls < 1) && shard.now() < deadline) co_await async::sleep_for(milliseconds(5));
    EXPECT_EQ(often.calls, 40);
    EXPECT_EQ(later.calls, 1);
    EXPECT_EQ(removed.calls, 0);
    EXPECT_FALSE(often.too_early || later.too_early);
    EXPECT_EQ(pacer.stats().calls, 41U);
  });
}

TEST(Turns, SoManyAtATimeInTheirOrder) {
  async::Shard shard("turns");
  const auto turns = std::make_shared<Turns>(shard, 2);
  int inside = 0, most = 0;
  std::vector<int> order;
  std::vector<async::TaskHandle> tasks;
  for (int i = 0; i < 6; ++i) {
    tasks.push_back(shard.spawn("a task", [&, i]() -> async::Task<void> {
      const auto turn = co_await turns->take();
      order.push_back(i);
      most = std::max(most, ++inside);
      co_await async::sleep_for(milliseconds(5));
      --inside;
    }));
  }
  shard.run_blocking([&]() -> async::Task<void> {
    const base::Instant deadline = async::now() + std::chrono::seconds(10);
    while (order.size() < 6 && async::now() < deadline) co_await async::sleep_for(milliseconds(5));
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(most, 2);
}

}  // namespace
}  // namespace client
