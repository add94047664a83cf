// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <future>
#include <set>
#include <stdexcept>
#include <thread>

#include "async/disk_worker.hpp"
#include "async/mailbox.hpp"
#include "async/notify.hpp"
#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "async/timer.hpp"

namespace async {
namespace {

using namespace std::chrono_literals;

// Rounds of yield() and not time: what is ready on the shard has run after a few.
Task<void> settle() {
  for (int i = 0; i < 20; ++i) co_await yield();
}

TEST(Shard, RunsPostsAndTasksOnItsOwnThread) {
  Shard shard("one");
  EXPECT_EQ(Shard::current(), nullptr);
  const bool current = shard.run_blocking([&]() -> Task<bool> {
    co_await yield();
    co_return shard.is_current();
  });
  EXPECT_TRUE(current);
  EXPECT_EQ(shard.run_blocking([] { return 7; }), 7);
}

TEST(Shard, CallRunsThereAndResumesHere) {
  Shard here("here"), there("there");
  here.run_blocking([&]() -> Task<void> {
    int local = 1;
    const bool was_there = co_await there.call([&] {
      ++local;
      return there.is_current();
    });
    EXPECT_TRUE(was_there);
    EXPECT_TRUE(here.is_current());
    EXPECT_EQ(local, 2);
    // A task, one hop further and back.
    const int back = co_await there.call([&]() -> Task<int> {
      co_await yield();
      const bool home = co_await here.call([&] { return here.is_current(); });
      co_return home ? 42 : 0;
    });
    EXPECT_EQ(back, 42);
    EXPECT_TRUE(here.is_current());
    co_await here.call([&] { EXPECT_TRUE(here.is_current()); });
  });
}

TEST(Shard, CallCarriesExceptionsAndMoveOnlyResults) {
  Shard here("here"), there("there");
  here.run_blocking([&]() -> Task<void> {
    std::string what;
    try {
      co_await there.call([]() -> int { throw std::runtime_error("no such thing"); });
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "no such thing");
    auto made = co_await there.call([] { return std::make_unique<int>(5); });
    EXPECT_EQ(*made, 5);
  });
  EXPECT_EQ(there.stats().tasks_failed, 0u);  // the caller got it: not a failure of that shard
}

TEST(Shard, AnExceptionEndsItsTaskOnly) {
  Shard shard("fenced");
  shard.spawn("a session that fails", []() -> Task<void> {
    co_await yield();
    throw std::runtime_error("on purpose (test)");
  });
  shard.post([] { throw std::logic_error("on purpose (test)"); });
  shard.run_blocking([]() -> Task<void> { co_await settle(); });
  EXPECT_EQ(shard.stats().tasks_failed, 2u);
  EXPECT_EQ(shard.run_blocking([] { return 1; }), 1);
}

TEST(Shard, CancelUnwindsATask) {
  Shard shard("cancel");
  std::promise<void> unwound;
  const TaskHandle handle = shard.spawn("sleeper", [&]() -> Task<void> {
    struct Guard {
      std::promise<void>& promise;
      ~Guard() { promise.set_value(); }
    } guard{unwound};
    co_await sleep_for(1h);
  });
  shard.run_blocking([]() -> Task<void> { co_await settle(); });
  EXPECT_FALSE(handle.is_done());
  handle.cancel();
  EXPECT_EQ(unwound.get_future().wait_for(10s), std::future_status::ready);
  shard.run_blocking([]() -> Task<void> { co_await settle(); });
  EXPECT_TRUE(handle.is_done());
  EXPECT_EQ(shard.stats().tasks_failed, 0u);
  handle.cancel();  // harmless
}

TEST(Shard, CancelDoesNotInterruptACallThatHasBegun) {
  Shard here("here"), there("there");
  std::promise<void> begun, may_end;
  std::promise<int> result;
  const TaskHandle handle = here.spawn("caller", [&]() -> Task<void> {
    int local = 0;
    co_await there.call([&] {
      begun.set_value();
      may_end.get_future().wait();
      local = 9;  // the caller's frame is still there
    });
    result.set_value(local);
    co_await yield();  // here the cancellation is noticed
    ADD_FAILURE() << "not cancelled";
  });
  begun.get_future().wait();
  handle.cancel();
  here.run_blocking([]() -> Task<void> { co_await settle(); });
  may_end.set_value();
  EXPECT_EQ(result.get_future().get(), 9);
}

TEST(Shard, StopUnwindsEverythingAndRefusesNewTasks) {
  std::atomic<int> unwound = 0;
  {
    Shard shard("stopping");
    for (int i = 0; i < 100; ++i) {
      shard.spawn("sleeper", [&]() -> Task<void> {
        struct Guard {
          std::atomic<int>& count;
          ~Guard() { ++count; }
        } guard{unwound};
        co_await sleep_for(1h);
      });
    }
    shard.run_blocking([]() -> Task<void> { co_await settle(); });
    shard.stop();
    shard.spawn("late", [&]() -> Task<void> {
      unwound = -1000;
      co_return;
    });
    shard.join();
    EXPECT_EQ(shard.stats().tasks_running, 0u);
  }
  EXPECT_EQ(unwound, 100);
}

TEST(Shard, ACallToAStoppedShardFails) {
  Shard here("here"), there("there");
  there.stop();
  here.run_blocking([&]() -> Task<void> {
    bool thrown = false;
    try {
      co_await there.call([] { return 1; });
    } catch (const boost::system::system_error& error) {
      thrown = error.code() == boost::asio::error::operation_aborted;
    }
    EXPECT_TRUE(thrown);
  });
}

TEST(Timer, FiresOnceMovesAndDisarms) {
  Shard shard("timer");
  shard.run_blocking([&]() -> Task<void> {
    int fired = 0;
    Notify changed(shard);
    Timer timer(shard, [&] {
      ++fired;
      changed.notify_all();
    });
    timer.arm(now() + 1h);
    timer.arm(now() + 1ms);  // earlier
    while (fired == 0) co_await changed.wait();
    const base::Instant later = now() + 5ms;
    timer.arm(now() + 1ms);
    timer.arm(later);  // later
    while (fired == 1) co_await changed.wait();
    EXPECT_GE(now(), later);
    timer.arm(now() + 1ms);
    timer.disarm();
    co_await sleep_for(5ms);
    EXPECT_EQ(fired, 2);
    {
      Timer gone(shard, [&] { ++fired; });
      gone.arm(now());
    }
    co_await sleep_for(2ms);
    EXPECT_EQ(fired, 2);
  });
}

// None fires before the end of the step that its time lies in, and a time that has passed waits for nothing.
TEST(Timer, CoarseOnesFireTogether) {
  Shard shard("timer");
  shard.run_blocking([&]() -> Task<void> {
    Notify changed(shard);
    std::vector<base::Instant> fired;
    const auto note = [&] {
      fired.push_back(now());
      changed.notify_all();
    };
    Timer early(shard, note, Precision::Coarse), late(shard, note, Precision::Coarse);
    const base::Instant begin(std::chrono::ceil<std::chrono::seconds>(now().time_since_epoch()));
    early.arm(begin + 1ms);
    late.arm(begin + kCoarseStep - 1ms);
    while (fired.size() < 2) co_await changed.wait();
    EXPECT_GE(fired[0], begin + kCoarseStep);
    EXPECT_GE(fired[1], begin + kCoarseStep);

    base::Instant asked = now();
    base::Duration least = 1h;
    for (int i = 0; i < 20; ++i, asked = now()) {
      early.arm(asked);
      while (fired.size() < 3) co_await changed.wait();
      least = std::min(least, fired.back() - asked);
      fired.pop_back();
    }
    EXPECT_LT(least, kCoarseStep / 4);
  });
}

TEST(Timer, MayDestroyItselfAndMayThrow) {
  Shard shard("timer");
  shard.run_blocking([&]() -> Task<void> {
    auto self = std::make_unique<std::optional<Timer>>();
    bool fired = false;
    self->emplace(shard, [&] {
      self->reset();
      fired = true;
    });
    (*self)->arm(now());
    Timer thrower(shard, [] { throw std::runtime_error("on purpose (test)"); });
    thrower.arm(now());
    co_await sleep_for(2ms);
    EXPECT_TRUE(fired);
  });
  EXPECT_EQ(shard.stats().tasks_failed, 1u);
}

TEST(Notify, WakesAllWaitersAndTimesOut) {
  Shard shard("notify");
  shard.run_blocking([&]() -> Task<void> {
    Notify notify(shard);
    int woken = 0;
    for (int i = 0; i < 3; ++i) {
      shard.spawn("waiter", [&]() -> Task<void> {
        co_await notify.wait();
        ++woken;
      });
    }
    co_await settle();
    EXPECT_EQ(woken, 0);
    notify.notify_all();
    co_await settle();
    EXPECT_EQ(woken, 3);
    const base::Instant deadline = now() + 3ms;
    const bool notified = co_await notify.wait_until(deadline);
    EXPECT_FALSE(notified);
    EXPECT_GE(now(), deadline);
    shard.post([&] { notify.notify_all(); });
    const bool second = co_await notify.wait_until(now() + 1h);
    EXPECT_TRUE(second);
  });
}

TEST(Notify, CancellationThrows) {
  Shard shard("notify");
  Notify notify(shard);
  bool thrown = false;
  const TaskHandle handle = shard.spawn("waiter", [&]() -> Task<void> {
    try {
      co_await notify.wait();
    } catch (const boost::system::system_error& error) {
      thrown = error.code() == boost::asio::error::operation_aborted;
      throw;
    }
  });
  shard.run_blocking([]() -> Task<void> { co_await settle(); });
  handle.cancel();
  shard.run_blocking([&]() -> Task<void> {
    co_await settle();
    EXPECT_TRUE(thrown);
    notify.notify_all();  // no waiter is left behind
  });
}

TEST(Mailbox, DeliversInOrderFromManyThreadsAndIsBounded) {
  Shard shard("mail");
  constexpr int kProducers = 4, kEach = 2000;
  Mailbox<int> box(shard, 64);
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&box, p] {
      for (int i = 0; i < kEach; ++i) {
        while (!box.try_push(p * kEach + i)) std::this_thread::yield();
      }
    });
  }
  std::vector<int> last(kProducers, -1);
  shard.run_blocking([&]() -> Task<void> {
    for (int i = 0; i < kProducers * kEach; ++i) {
      const std::optional<int> item = co_await box.pop();
      EXPECT_TRUE(item.has_value());
      EXPECT_LE(box.size(), 64u);
      auto& previous = last[static_cast<std::size_t>(*item / kEach)];
      EXPECT_EQ(*item % kEach, previous + 1);
      previous = *item % kEach;
    }
  });
  for (std::thread& producer : producers) producer.join();
  box.try_push(1);
  box.close();
  EXPECT_FALSE(box.try_push(2));
  shard.run_blocking([&]() -> Task<void> {
    const auto left = co_await box.pop();
    EXPECT_EQ(left, 1);
    const auto end = co_await box.pop();
    EXPECT_FALSE(end.has_value());
  });
}

TEST(Mailbox, CloseWakesTheConsumer) {
  Shard shard("mail");
  Mailbox<int> box(shard, 4);
  std::thread closer([&] { box.close(); });
  shard.run_blocking([&]() -> Task<void> {
    const auto item = co_await box.pop();
    EXPECT_FALSE(item.has_value());
  });
  closer.join();
}

TEST(DiskWorker, RunsElsewhereInOrderAndResumesHere) {
  Shard shard("disk caller");
  DiskWorker worker({.name = "disk", .threads = 1, .queue_limit = 1000});
  std::vector<int> order;  // the worker's one thread only, until all is done
  shard.run_blocking([&]() -> Task<void> {
    const auto main_thread = std::this_thread::get_id();
    const auto worker_thread = co_await worker.run([] { return std::this_thread::get_id(); });
    EXPECT_NE(worker_thread, main_thread);
    EXPECT_EQ(std::this_thread::get_id(), main_thread);
    int done = 0;
    Notify changed(shard);
    for (int i = 0; i < 50; ++i) {
      shard.spawn("writer", [&, i]() -> Task<void> {
        co_await worker.run([&] { order.push_back(i); });
        ++done;
        changed.notify_all();
      });
    }
    while (done < 50) co_await changed.wait();
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(order.size(), 50u);
    bool thrown = false;
    try {
      co_await worker.run([]() -> int { throw std::runtime_error("disk on fire"); });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
  });
  EXPECT_EQ(worker.stats().calls, 52u);
}

TEST(DiskWorker, RefusesWhenFullAndAfterTheEnd) {
  Shard shard("disk caller");
  DiskWorker worker({.name = "disk", .threads = 1, .queue_limit = 2});
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();
  shard.run_blocking([&]() -> Task<void> {
    std::promise<void> first_runs;
    int ended = 0;
    Notify changed(shard);
    for (int i = 0; i < 3; ++i) {
      shard.spawn("writer", [&, i]() -> Task<void> {
        co_await worker.run([&, i] {
          if (i == 0) first_runs.set_value();
          gate.wait();
        });
        ++ended;
        changed.notify_all();
      });
      co_await settle();
      if (i == 0) first_runs.get_future().wait();
    }
    EXPECT_EQ(worker.stats().waiting, 2u);
    const base::Result<int> refused = co_await worker.run([]() -> base::Result<int> { return 1; });
    EXPECT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::Unavailable);
    bool thrown = false;
    try {
      co_await worker.run([] {});
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    go.set_value();
    while (ended < 3) co_await changed.wait();
    worker.join();
    const base::Result<int> late = co_await worker.run([]() -> base::Result<int> { return 1; });
    EXPECT_FALSE(late.has_value());
  });
  EXPECT_EQ(worker.stats().refused, 3u);
}

TEST(SecureRandom, FillsAnyLengthWithoutRepeating) {
  SecureRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.u64());
  EXPECT_EQ(seen.size(), 1000u);
  base::Bytes bytes(100'000);
  random.fill(bytes);
  std::vector<int> counts(256);
  for (const std::uint8_t byte : bytes) ++counts[byte];
  for (const int count : counts) EXPECT_NEAR(count, 390, 150);
}

}  // namespace
}  // namespace async
