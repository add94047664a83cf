// SPDX-License-Identifier: Apache-2.0
// A follower over a log of numbers and a courier that fails when the test says so.
#include "delivery/follower.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "async/timer.hpp"
#include "base/log.hpp"

namespace delivery {
namespace {

using namespace std::chrono_literals;
using async::Task;
using base::Result;
using streams::FragmentNumber;
using streams::StoredFragment;

// Fragments 1..count, each of the server time now.
class NumberedLog final : public streams::FragmentLog {
 public:
  streams::StreamKey stream() const override { return {7, 1}; }
  FragmentNumber open_fragment(base::WallTime) override { return {}; }
  void commit(FragmentNumber, streams::FragmentDraft, Committed) override {}
  void abandon(FragmentNumber) override {}
  std::optional<StoredFragment> last() const override { return {}; }
  std::optional<streams::RecordingEnd> recorded_until() const override { return {}; }
  Task<Result<streams::FragmentPage>> list(streams::FragmentQuery) override { co_return streams::FragmentPage{}; }
  Task<Result<streams::FragmentPage>> list_next(std::string, std::size_t) override {
    co_return streams::FragmentPage{};
  }
  Task<Result<std::optional<StoredFragment>>> find(FragmentNumber) override {
    co_return std::optional<StoredFragment>();
  }
  Task<Result<std::vector<StoredFragment>>> after(FragmentNumber, std::size_t) override {
    co_return std::vector<StoredFragment>();
  }
  Task<Result<std::vector<StoredFragment>>> newest(std::size_t) override { co_return std::vector<StoredFragment>(); }
  Task<Result<std::optional<StoredFragment>>> starting_at(streams::TimeAxis, base::WallTime) override {
    co_return std::optional<StoredFragment>();
  }
  Task<Result<streams::Coverage>> coverage(streams::CoverageQuery) override { co_return streams::Coverage{}; }
  Task<Result<streams::Payload>> read(StoredFragment) override { co_return streams::Payload(); }
  Task<std::optional<StoredFragment>> wait_after(FragmentNumber number, base::Duration) override {
    if (number.value >= count) {
      co_await async::sleep_for(1ms);
      co_return std::nullopt;
    }
    StoredFragment fragment;
    fragment.header.stream = stream();
    fragment.header.number = {std::max(number.value + 1, first)};
    fragment.header.server_time = async::wall_now() - age;
    co_return fragment;
  }
  bool deleted() const override { return false; }

  std::uint64_t first = 1;  // those before it are past their retention
  std::uint64_t count = 0;
  std::chrono::microseconds age{};
};

class ScriptedCourier final : public Courier {
 public:
  std::string kind() const override { return "image_generation"; }
  bool is_enabled(const streams::Stream&) const override { return enabled; }
  Task<Result<void>> deliver(const Parcel& parcel, Progress& progress) override {
    attempts.push_back(parcel.fragment.header.number.value);
    if (failures > 0) {
      --failures;
      co_return base::fail(error, "no");
    }
    progress.last_image = base::from_microseconds(static_cast<std::int64_t>(parcel.fragment.header.number.value));
    if (attempts.back() == last_wanted) enabled = false;
    co_return Result<void>();
  }
  Counts& counts() override { return counts_; }

  bool enabled = true;
  int failures = 0;
  base::Errc error = base::Errc::Unavailable;
  std::uint64_t last_wanted = 0;
  std::vector<std::uint64_t> attempts;

 private:
  Counts counts_;
};

class Following : public testing::Test {
 protected:
  Following() {
    base::set_log_level(base::LogLevel::Off);
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-delivery-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    open();
    log->count = 3;
    courier.last_wanted = 3;
  }
  ~Following() override {
    std::filesystem::remove_all(directory_);
    base::set_log_level(base::LogLevel::Info);
  }

  void open() {
    positions.reset();
    positions = *store::open_sqlite_delivery_positions(directory_ + "/delivery.sqlite");
  }

  // Until the courier has no more to do, which is when it is disabled.
  void run(store::DeliveryPosition start = {{7, 1}, "image_generation", {}, {}}) {
    auto stream = std::make_shared<streams::Stream>();
    stream->key = {7, 1};
    stream->retention_hours = 1;
    Slots slots(shard, 1);
    FollowerSurroundings around{{{1ms, 4ms}, 1h, 1s},
                                courier,
                                *positions,
                                disk,
                                slots,
                                random,
                                [stream](const std::string&) { return stream; }};
    shard.run_blocking([&] { return follow(around, "arn", log, start); });
  }

  async::Shard shard{"delivery"};
  async::DiskWorker disk{{}};
  base::SeededRandom random{3};
  std::unique_ptr<store::DeliveryPositions> positions;
  std::shared_ptr<NumberedLog> log = std::make_shared<NumberedLog>();
  ScriptedCourier courier;

 private:
  std::string directory_;
};
using Numbers = std::vector<std::uint64_t>;

TEST_F(Following, EveryFragmentInOrderAFailedOneAgain) {
  courier.failures = 2;
  run();
  EXPECT_EQ(courier.attempts, (Numbers{1, 1, 1, 2, 3}));
  EXPECT_EQ(courier.counts().failures, 2U);
  EXPECT_EQ(courier.counts().failing, 0U);
  EXPECT_EQ(courier.counts().following, 0U);
}

TEST_F(Following, WhatCanNeverBeDeliveredIsPassedOver) {
  courier.failures = 1;
  courier.error = base::Errc::Corrupt;
  run();
  EXPECT_EQ(courier.attempts, (Numbers{1, 2, 3}));
  EXPECT_EQ(courier.counts().skipped, 1U);
}

TEST_F(Following, WhatIsTooOldIsGivenUpAfterItsAttempt) {
  log->age = 2h;
  courier.failures = 1;
  run();
  EXPECT_EQ(courier.attempts, (Numbers{1, 2, 3}));
  EXPECT_EQ(courier.counts().skipped, 1U);
}

TEST_F(Following, APositionSurvivesARestartAndGoesOnAfterWhatHasExpired) {
  ASSERT_TRUE(positions->save({{7, 1}, "image_generation", {5}, base::from_microseconds(44)}));
  ASSERT_TRUE(positions->save({{7, 1}, "notification", {4}, {}}));
  open();
  const auto loaded = positions->load();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->size(), 2U);
  EXPECT_EQ((*loaded)[0], (store::DeliveryPosition{{7, 1}, "image_generation", {5}, base::from_microseconds(44)}));
  EXPECT_EQ((*loaded)[1], (store::DeliveryPosition{{7, 1}, "notification", {4}, {}}));
  log->first = 9;
  log->count = 10;
  courier.last_wanted = 10;
  run((*loaded)[0]);
  EXPECT_EQ(courier.attempts, (Numbers{9, 10}));
}

TEST_F(Following, WithoutItsConfigurationThePositionIsForgotten) {
  ASSERT_TRUE(positions->save({{7, 1}, "notification", {4}, {}}));
  run();
  const auto left = positions->load();
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ((*left)[0].kind, "notification");
}

}  // namespace
}  // namespace delivery
