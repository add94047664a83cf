// SPDX-License-Identifier: Apache-2.0
// How fragments are gathered for one sync: by real time, with generous bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "store/simulated_disk.hpp"
#include "store/volume_store.hpp"

namespace store {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Fixture {
  Fixture() {
    FileVolumeOptions options;
    options.directory = "/volumes";
    RecoveredRecords recovered;
    volumes = open_file_volumes(options, disk, random, {}, recovered).value();
  }
  void append(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      FragmentHeader header;
      header.stream = {1, 1};
      header.number = {++number};
      volumes->append(header, std::make_shared<const base::Bytes>(1000), [this](base::Result<StoredFragment> result) {
        if (result) ++durable;
      });
    }
  }
  bool wait_for(std::uint64_t count) {
    const auto deadline = Clock::now() + 20s;
    while (durable < count && Clock::now() < deadline) std::this_thread::sleep_for(1ms);
    return durable == count;
  }

  SimulatedDisk disk{1};
  base::SeededRandom random{1};
  std::uint64_t number = 0;
  std::atomic<std::uint64_t> durable = 0;
  std::unique_ptr<VolumeStore> volumes;  // last: its thread counts in the others
};

TEST(GroupCommit, GroupsGrowWithTheLoad) {
  Fixture store;
  for (std::uint64_t i = 0; i < 400; ++i) {
    store.append(1);
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_TRUE(store.wait_for(400));
  EXPECT_LE(store.volumes->stats().commits, 100U) << "more than four to a sync";
}

// By the quickest of many, whatever else the machine does.
TEST(GroupCommit, WhoFlushesOrRollsDoesNotWait) {
  Fixture store;
  auto quickest = Clock::duration::max();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const auto began = Clock::now();
    store.append(1);
    if (i % 10 == 0) {
      store.volumes->roll();
    } else {
      store.volumes->flush();
    }
    ASSERT_EQ(store.durable, i);
    quickest = std::min(quickest, Clock::now() - began);
  }
  EXPECT_LT(quickest, 15ms) << "20 ms if it waited";
}

}  // namespace
}  // namespace store
