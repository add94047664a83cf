// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "store/fragment_index.hpp"
#include "store/metadata_store.hpp"
#include "store/sqlite/database.hpp"

namespace store {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

StreamRow stream_row(const std::string& name) {
  StreamRow row;
  row.name = name;
  row.arn = "arn:aws:kinesisvideo:us-east-1:123456789012:stream/" + name + "/1700000000000";
  row.created_ms = 1'700'000'000'000;
  row.version = "v1";
  row.retention_hours = 24;
  row.tags = {{"site", "north"}, {"schlüssel", "wert"}};
  row.configurations = {{"notification", "{}"}};
  return row;
}

TEST(SqliteMetadata, StreamsSurviveReopening) {
  const TemporaryDirectory directory;
  StreamRow row = stream_row("cam-1");
  {
    auto store = open_sqlite_metadata(directory / "catalog.db");
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->insert_stream(row));
    EXPECT_EQ(row.key.generation, 1U);
    StreamRow second = stream_row("cam-1");
    auto again = (*store)->insert_stream(second);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, base::Errc::AlreadyExists);
    StreamRow changed = row;
    changed.version = "v2";
    changed.retention_hours = 48;
    changed.tags.erase("site");
    EXPECT_EQ((*store)->update_stream(changed, "wrong").error().code, base::Errc::VersionMismatch);
    ASSERT_TRUE((*store)->update_stream(changed, "v1"));
  }
  auto store = open_sqlite_metadata(directory / "catalog.db");
  auto rows = (*store)->load_streams();
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ((*rows)[0].version, "v2");
  EXPECT_EQ((*rows)[0].retention_hours, 48U);
  EXPECT_EQ((*rows)[0].tags, (Tags{{"schlüssel", "wert"}}));
  EXPECT_EQ((*rows)[0].configurations.at("notification"), "{}");
  EXPECT_EQ((*rows)[0].key, row.key);
}

TEST(SqliteMetadata, ANameCreatedAgainIsANewGeneration) {
  const TemporaryDirectory directory;
  auto store = open_sqlite_metadata(directory / "catalog.db");
  StreamRow row = stream_row("cam-1");
  ASSERT_TRUE((*store)->insert_stream(row));
  EXPECT_EQ((*store)->delete_stream(row.key, "v0").error().code, base::Errc::VersionMismatch);
  ASSERT_TRUE((*store)->delete_stream(row.key, "v1"));
  StreamRow again = stream_row("cam-1");
  ASSERT_TRUE((*store)->insert_stream(again));
  EXPECT_EQ(again.key.id, row.key.id);
  EXPECT_EQ(again.key.generation, 2U);
  EXPECT_EQ(*(*store)->deleted_streams(), std::vector<StreamKey>{row.key});
}

TEST(SqliteMetadata, OneChannelPerStream) {
  const TemporaryDirectory directory;
  auto store = open_sqlite_metadata(directory / "catalog.db");
  ChannelRow first, second;
  first.name = "a";
  first.arn = "arn-a";
  first.version = "v1";
  second = first;
  second.name = "b";
  second.arn = "arn-b";
  ASSERT_TRUE((*store)->insert_channel(first));
  ASSERT_TRUE((*store)->insert_channel(second));
  EXPECT_EQ((*store)->insert_channel(second).error().code, base::Errc::AlreadyExists);
  first.storage_stream_arn = second.storage_stream_arn = "arn-stream";
  first.version = second.version = "v2";
  ASSERT_TRUE((*store)->update_channel(first, "v1"));
  EXPECT_EQ((*store)->update_channel(second, "v1").error().code, base::Errc::InUse);
  EXPECT_EQ((*(*store)->load_channels())[1].storage_stream_arn, std::nullopt);
  ASSERT_TRUE((*store)->delete_channel(first.id, "v2"));
  ASSERT_TRUE((*store)->update_channel(second, "v1"));
  EXPECT_EQ((*(*store)->load_channels())[0].storage_stream_arn, "arn-stream");
}

TEST(SqliteMetadata, RefusesADatabaseOfANewerProgram) {
  const TemporaryDirectory directory;
  {
    auto store = open_sqlite_metadata(directory / "catalog.db");
  }
  {
    auto database = sqlite::Database::open(directory / "catalog.db", sqlite::Durability::Full);
    ASSERT_TRUE((*database)->run("INSERT INTO migrations(version) VALUES(99)"));
  }
  auto store = open_sqlite_metadata(directory / "catalog.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, base::Errc::Unsupported);
}

StoredFragment stored(std::int64_t number, std::int64_t producer, std::int64_t server) {
  StoredFragment fragment;
  fragment.header.stream = {7, 2};
  fragment.header.number = {static_cast<std::uint64_t>(number)};
  fragment.header.producer_time = base::from_microseconds(producer);
  fragment.header.server_time = base::from_microseconds(server);
  fragment.header.duration = std::chrono::microseconds(10);
  fragment.header.flags = kAudio;
  fragment.header.codec_fingerprint = 0xffffffff00000001;
  fragment.header.pictures_after = std::chrono::microseconds(140'000);
  fragment.header.sound_after = std::chrono::microseconds(-1);
  fragment.header.sound_length = std::chrono::milliseconds(2'005);
  if (number % 2 == 0) fragment.header.gap_before = Gap{GapReason::DiskSlow, base::from_microseconds(-3), {}};
  if (number % 3 == 0) fragment.header.ended_by = GapReason::PublisherLeft;
  fragment.payload_size = 1234;
  fragment.payload_crc = 0xfedcba98;
  fragment.place = {5, static_cast<std::uint64_t>(number) * 4096, 128};
  return fragment;
}

std::vector<std::uint64_t> numbers(const base::Result<std::vector<StoredFragment>>& fragments) {
  EXPECT_TRUE(fragments) << fragments.error().message;
  std::vector<std::uint64_t> out;
  for (const StoredFragment& fragment : *fragments) out.push_back(fragment.header.number.value);
  return out;
}

constexpr ListPosition kStart{base::WallTime::min(), {}};
constexpr StreamKey kStream{7, 2};

TEST(SqliteIndex, AnswersByNumberAndByBothTimes) {
  const TemporaryDirectory directory;
  auto opened = open_sqlite_index(directory / "index.db");
  ASSERT_TRUE(opened) << opened.error().message;
  FragmentIndex& index = **opened;
  // 130: the server's clock went back, the number did not.
  const std::vector<StoredFragment> rows = {stored(100, 1000, 100), stored(110, 1010, 110), stored(120, 500, 120),
                                            stored(130, 1030, 105), stored(140, 1010, 140)};
  ASSERT_TRUE(index.insert(rows, std::vector<VolumeMark>{{5, 9000, false}}));
  ASSERT_TRUE(index.insert(rows, std::vector<VolumeMark>{{5, 8000, true}}));  // the same again changes nothing
  using List = std::vector<std::uint64_t>;
  const auto at = [](std::int64_t us) { return base::from_microseconds(us); };
  EXPECT_EQ(numbers(index.after(kStream, {}, 10)), (List{100, 110, 120, 130, 140}));
  EXPECT_EQ(numbers(index.after(kStream, {110}, 2)), (List{120, 130}));
  EXPECT_EQ(numbers(index.newest(kStream, 2)), (List{130, 140}));
  EXPECT_EQ(numbers(index.after({7, 1}, {}, 10)), List{});
  EXPECT_EQ(numbers(index.between(kStream, {TimeAxis::Server, at(100), at(120)}, kStart, 10)),
            (List{100, 130, 110, 120}));
  EXPECT_EQ(numbers(index.between(kStream, {TimeAxis::Server, at(100), at(120)}, {at(100), {100}}, 2)),
            (List{130, 110}));
  EXPECT_EQ(numbers(index.between(kStream, {TimeAxis::Server, at(101), at(119)}, kStart, 10)), (List{130, 110}));
  EXPECT_EQ(numbers(index.between(kStream, {TimeAxis::Producer, at(1000), at(1010)}, kStart, 10)),
            (List{100, 110, 140}));
  EXPECT_EQ(numbers(index.between(kStream, {TimeAxis::Producer, at(1000), at(1030)}, {at(1010), {110}}, 10)),
            (List{140, 130}));
  // Even numbers have a gap before them.
  const std::vector<StoredFragment> odd = {stored(151, 1005, 151)};
  ASSERT_TRUE(index.insert(odd, {}));
  EXPECT_EQ(numbers(index.gaps(kStream, kStart, 10)), (List{120, 100, 110, 140, 130}));
  EXPECT_EQ(numbers(index.gaps(kStream, {at(1010), {110}}, 10)), (List{140, 130}));
  EXPECT_EQ(numbers(index.gaps(kStream, {at(501), {}}, 1)), (List{100}));
  EXPECT_EQ(numbers(index.gaps({7, 1}, kStart, 10)), List{});
  EXPECT_EQ((*index.at_or_before(kStream, TimeAxis::Server, at(109)))->header.number.value, 130U);
  EXPECT_EQ((*index.at_or_before(kStream, TimeAxis::Server, at(104)))->header.number.value, 100U);
  EXPECT_EQ((*index.at_or_before(kStream, TimeAxis::Producer, at(999)))->header.number.value, 120U);
  EXPECT_FALSE(*index.at_or_before(kStream, TimeAxis::Producer, at(499)));
  EXPECT_EQ(**index.find(kStream, {120}), rows[2]);
  EXPECT_EQ(index.last_number(kStream)->value, 151U);
  EXPECT_EQ(index.last_number({8, 1})->value, 0U);
  const auto marks = index.marks();
  ASSERT_EQ(marks->size(), 1U);
  EXPECT_EQ((*marks)[0].indexed_to, 9000U);
  EXPECT_TRUE((*marks)[0].sealed);
}

TEST(SqliteIndex, TombstonesStayAndNumbersDoNotGoBack) {
  const TemporaryDirectory directory;
  auto opened = open_sqlite_index(directory / "index.db");
  FragmentIndex& index = **opened;
  const std::vector<StoredFragment> rows = {stored(100, 1000, 100), stored(110, 1010, 110)};
  ASSERT_TRUE(index.insert(rows, {}));
  ASSERT_TRUE(index.bury({kStream, {100}}, 5));
  ASSERT_TRUE(index.remove(kStream, {100}, 10));
  EXPECT_EQ(numbers(index.after(kStream, {}, 10)), std::vector<std::uint64_t>{110});
  ASSERT_TRUE(index.bury({kStream, {UINT64_MAX}}, 5));
  ASSERT_TRUE(index.remove(kStream, {UINT64_MAX}, 10));
  ASSERT_TRUE(index.insert(rows, {}));  // found again in a volume: still gone
  EXPECT_EQ(numbers(index.after(kStream, {}, 10)), std::vector<std::uint64_t>{});
  EXPECT_EQ(index.last_number(kStream)->value, 110U);
  ASSERT_EQ(index.buried_streams()->size(), 1U);
  EXPECT_EQ((*index.buried_streams())[0].tombstone.through.value, UINT64_MAX);
}

TEST(SqliteIndex, CountsWhatLivesInEachVolumeAndStream) {
  const TemporaryDirectory directory;
  auto opened = open_sqlite_index(directory / "index.db");
  FragmentIndex& index = **opened;
  std::vector<StoredFragment> rows;
  for (int i = 1; i <= 6; ++i) {
    rows.push_back(stored(100 + i, 1000 + i, 100 + i));
    rows.back().place.volume = i <= 4 ? 5 : 6;
  }
  ASSERT_TRUE(index.insert(rows, {}));
  ASSERT_TRUE(index.insert(rows, {}));  // found again where it is: no more than before
  StoredFragment copy = rows[0];        // written a second time after a failed sync
  copy.place = {6, 99 * 4096, 128};
  ASSERT_TRUE(index.insert({&copy, 1}, {}));
  const auto use_of = [&index](std::uint64_t volume) {
    const auto uses = index.volume_uses();
    EXPECT_TRUE(uses);
    for (const VolumeUse& use : *uses) {
      if (use.volume == volume) return std::pair(use.fragments, use.live);
    }
    return std::pair<std::uint64_t, std::uint64_t>(0, 0);
  };
  using Use = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(use_of(5), Use(4, 4));
  EXPECT_EQ(use_of(6), Use(3, 2));
  EXPECT_EQ((*index.stream_uses())[0].bytes, 6U * 1234U);

  const auto first = index.remove(kStream, {105}, 3);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->fragments, 3U);
  EXPECT_EQ(first->bytes, 3U * 1234U);
  EXPECT_FALSE(first->complete);
  EXPECT_EQ(first->volumes, std::vector<std::uint64_t>{5});
  const auto rest = index.remove(kStream, {105}, 3);
  EXPECT_EQ(rest->fragments, 2U);
  EXPECT_TRUE(rest->complete);
  EXPECT_EQ(rest->volumes, (std::vector<std::uint64_t>{5, 6}));
  EXPECT_EQ(use_of(5), Use(4, 0));
  EXPECT_EQ(use_of(6), Use(3, 1));
  EXPECT_EQ(numbers(index.after(kStream, {}, 10)), std::vector<std::uint64_t>{106});
  EXPECT_EQ((*index.stream_uses())[0].fragments, 1U);

  // Of the volumes that are gone only the highest number is remembered.
  ASSERT_TRUE(index.forget_volume(5));
  EXPECT_EQ(index.marks()->size(), 1U);
  ASSERT_TRUE(index.forget_volume(6));
  EXPECT_EQ(index.volume_uses()->size(), 0U);
  ASSERT_EQ(index.marks()->size(), 1U);
  EXPECT_EQ((*index.marks())[0].volume, 6U);
}

TEST(SqliteIndex, ATombstoneKnowsItsFirstAndItsNewestVolume) {
  const TemporaryDirectory directory;
  auto opened = open_sqlite_index(directory / "index.db");
  FragmentIndex& index = **opened;
  const auto only = [&index] { return index.buried_streams()->at(0); };
  ASSERT_TRUE(index.bury({kStream, {100}}, 5));
  ASSERT_TRUE(index.bury({kStream, {100}}, 8));  // the same, written again
  EXPECT_EQ(only().volume, 8U);
  EXPECT_EQ(only().born, 5U);
  ASSERT_TRUE(index.bury({kStream, {90}}, 9));  // covered by the other
  EXPECT_EQ(only().tombstone.through.value, 100U);
  EXPECT_EQ(only().volume, 8U);
  ASSERT_TRUE(index.bury({kStream, {200}}, 9));
  EXPECT_EQ(only().tombstone.through.value, 200U);
  EXPECT_EQ(only().born, 9U);
  ASSERT_TRUE(index.settle_tombstone(kStream));
  EXPECT_EQ(only().volume, 0U);
  EXPECT_EQ(only().tombstone.through.value, 200U);
}

}  // namespace
}  // namespace store
