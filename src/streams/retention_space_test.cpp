// SPDX-License-Identifier: Apache-2.0
// Giving space back while durable fragments wait for the index: they must keep their bytes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "store/simulated_disk.hpp"
#include "streams/retention.hpp"

namespace streams {
namespace {

constexpr StreamKey kGone{1, 1};
constexpr StreamKey kKept{2, 1};
constexpr StreamKey kWaiting{3, 1};

// Takes nothing: what is pushed towards it waits for ever.
class RefusingIndex final : public store::FragmentIndex {
 public:
  using Fragments = std::vector<StoredFragment>;
  base::Result<void> insert(std::span<const StoredFragment>, std::span<const store::VolumeMark>) override {
    return refuse();
  }
  base::Result<std::vector<store::VolumeMark>> marks() override { return refuse(); }
  base::Result<void> bury(const store::Tombstone&, std::uint64_t) override { return refuse(); }
  base::Result<std::vector<store::BuriedStream>> buried_streams() override { return refuse(); }
  base::Result<void> settle_tombstone(StreamKey) override { return refuse(); }
  base::Result<store::RemovedRows> remove(StreamKey, FragmentNumber, std::size_t) override { return refuse(); }
  base::Result<std::vector<store::VolumeUse>> volume_uses() override { return refuse(); }
  base::Result<Fragments> in_volume(std::uint64_t) override { return refuse(); }
  base::Result<void> note_hollow(std::uint64_t, std::uint64_t) override { return refuse(); }
  base::Result<void> forget_volume(std::uint64_t) override { return refuse(); }
  base::Result<std::vector<store::StreamUse>> stream_uses() override { return refuse(); }
  base::Result<FragmentNumber> last_number(StreamKey) override { return refuse(); }
  base::Result<std::optional<StoredFragment>> find(StreamKey, FragmentNumber) override { return refuse(); }
  base::Result<Fragments> after(StreamKey, FragmentNumber, std::size_t) override { return refuse(); }
  base::Result<Fragments> newest(StreamKey, std::size_t) override { return refuse(); }
  base::Result<Fragments> between(StreamKey, const store::ListWindow&, store::ListPosition, std::size_t) override {
    return refuse();
  }
  base::Result<Fragments> gaps(StreamKey, store::ListPosition, std::size_t) override { return refuse(); }
  base::Result<std::optional<StoredFragment>> at_or_before(StreamKey, store::TimeAxis, base::WallTime) override {
    return refuse();
  }

 private:
  static std::unexpected<base::Error> refuse() { return base::fail(base::Errc::Unavailable, "refused by the test"); }
};

class RetentionSpace : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-space-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    store::RecoveredRecords recovered;
    store::FileVolumeOptions options;
    options.directory = directory_;
    volumes_ = open_file_volumes(options, disk_, random_, {}, recovered).value();
    index_ = store::open_sqlite_index(directory_ + "/index.db").value();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  StoredFragment append(StreamKey stream) {
    base::Bytes payload(20'000);
    random_.fill(payload);
    StoredFragment stored;
    store::FragmentHeader header;
    header.stream = stream;
    header.number = {++last_number_};
    volumes_->append(header, std::make_shared<const base::Bytes>(std::move(payload)),
                     [&stored](auto result) { stored = result.value(); });
    volumes_->flush();
    return stored;
  }
  void insert(const StoredFragment& fragment) {
    const std::vector<store::VolumeMark> mark = {
        {fragment.place.volume, store::end_of_record(fragment.place, fragment.payload_size), false}};
    ASSERT_TRUE(index_->insert(std::span(&fragment, 1), mark));
  }
  void remove(const StoredFragment& fragment) {
    const auto removed = index_->remove(fragment.header.stream, fragment.header.number, 10);
    ASSERT_TRUE(removed && removed->fragments == 1);
  }
  // One sweep while `waiting` is on its way to the index.
  void sweep_before_indexed(const StoredFragment& waiting) {
    RefusingIndex refusing;
    IndexWriter writer(refusing);
    writer.push(nullptr, waiting);
    sweep(writer);
  }
  void sweep(IndexWriter& writer, RetentionOptions options = {}) {
    options.interval = base::Duration::zero();
    options.wall_clock = [] { return base::from_microseconds(1'790'000'000'000'000); };
    Retention retention(std::move(options), *volumes_, *index_, writer,
                        [](std::span<const store::Tombstone>) -> base::Result<void> { return {}; });
    ASSERT_TRUE(retention.start());  // finds the volumes that have lost something
    const auto swept = retention.sweep();
    ASSERT_TRUE(swept) << swept.error().message;
  }

  std::string directory_;
  base::SeededRandom random_{4};
  store::SimulatedDisk disk_{1};
  std::unique_ptr<store::VolumeStore> volumes_;
  std::unique_ptr<store::FragmentIndex> index_;
  std::uint64_t last_number_ = 0;
};

TEST_F(RetentionSpace, WhatWaitsForTheIndexGetsNoHole) {
  const StoredFragment gone = append(kGone);
  const StoredFragment kept = append(kKept);
  const StoredFragment waiting = append(kWaiting);
  insert(gone);
  insert(kept);
  remove(gone);
  sweep_before_indexed(waiting);
  EXPECT_FALSE(volumes_->read(gone));
  EXPECT_TRUE(volumes_->read(kept));
  EXPECT_TRUE(volumes_->read(waiting));
}

TEST_F(RetentionSpace, AVolumeStaysWhileSomethingInItWaitsForTheIndex) {
  const StoredFragment gone = append(kGone);
  const StoredFragment waiting = append(kWaiting);
  volumes_->roll();
  append(kKept);
  insert(gone);
  remove(gone);
  sweep_before_indexed(waiting);
  EXPECT_TRUE(volumes_->read(waiting));
  insert(waiting);
  remove(waiting);
  IndexWriter writer(*index_);
  sweep(writer);
  EXPECT_EQ(volumes_->list_volumes().value().size(), 1U);
}

TEST_F(RetentionSpace, WhatIsDerivedGivesWayBeforeAnyRecording) {
  for (int i = 0; i < 3; ++i) {
    insert(append(kKept));
    volumes_->roll();
  }
  insert(append(kKept));
  constexpr std::uint64_t kFloor = 1'000'000;
  disk_.set_capacity(disk_.used_bytes() + kFloor - 300);
  std::vector<std::uint64_t> asked;
  RetentionOptions options;
  options.free_space_floor = kFloor;
  options.make_room = [&](std::uint64_t bytes) {
    asked.push_back(bytes);
    disk_.set_capacity(disk_.used_bytes() + kFloor);
  };
  IndexWriter writer(*index_);
  sweep(writer, options);
  EXPECT_EQ(asked, std::vector<std::uint64_t>{300});
  EXPECT_EQ(index_->after(kKept, {}, 10)->size(), 4U);
  asked.clear();
  sweep(writer, options);
  EXPECT_TRUE(asked.empty());
}

TEST_F(RetentionSpace, OnAFullDiskAllThatIsDerivedGivesWay) {
  insert(append(kKept));
  disk_.set_full(true);
  base::set_log_level(base::LogLevel::Off);
  store::FragmentHeader header;
  header.stream = kKept;
  header.number = {++last_number_};
  volumes_->append(header, std::make_shared<const base::Bytes>(100), [](const auto&) {});
  for (int i = 0; i < 500 && volumes_->health().writable; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_FALSE(volumes_->health().writable);
  std::vector<std::uint64_t> asked;
  RetentionOptions options;
  options.make_room = [&](std::uint64_t bytes) {
    asked.push_back(bytes);
    disk_.set_full(false);
  };
  IndexWriter writer(*index_);
  sweep(writer, options);
  EXPECT_EQ(asked, std::vector<std::uint64_t>{UINT64_MAX});
  disk_.set_full(false);  // or a failure would hang here
  volumes_->flush();
  EXPECT_TRUE(volumes_->health().writable);
}

}  // namespace
}  // namespace streams
