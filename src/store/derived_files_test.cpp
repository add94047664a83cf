// SPDX-License-Identifier: Apache-2.0
// On the real file system, through a layer that can be told to fail.
#include "store/derived_files.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/log.hpp"
#include "base/random.hpp"
#include "store/crc32c.hpp"

namespace store {
namespace {

namespace fs = std::filesystem;

[[maybe_unused]] const bool kDerivedQuiet = (base::set_log_level(base::LogLevel::Off), true);

// The real files, but what is set fails.
class FailingFiles final : public FileLayer {
 public:
  bool writes_fail = false;  // after half of the bytes
  bool removals_fail = false;
  std::uint64_t free = UINT64_MAX;

  base::Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    TRY(auto file, posix_files().open(path, mode));
    return std::make_unique<Failing>(*this, std::move(file));
  }
  base::Result<std::vector<std::string>> list(const std::string& directory) override {
    return posix_files().list(directory);
  }
  base::Result<void> make_directory(const std::string& directory) override {
    return posix_files().make_directory(directory);
  }
  base::Result<void> remove(const std::string& path) override {
    if (removals_fail) return base::fail(base::Errc::Io, "removing " + path + ": told to fail");
    return posix_files().remove(path);
  }
  base::Result<void> sync_directory(const std::string& directory) override {
    return posix_files().sync_directory(directory);
  }
  base::Result<std::uint64_t> free_bytes(const std::string&) override { return free; }
  base::Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    return posix_files().lock(path);
  }

 private:
  class Failing final : public File {
   public:
    Failing(const FailingFiles& layer, std::unique_ptr<File> file) : layer_(layer), file_(std::move(file)) {}
    base::Result<std::size_t> write_at(std::uint64_t offset, std::span<const base::ByteView> pieces) override {
      if (!layer_.writes_fail) return file_->write_at(offset, pieces);
      const base::ByteView half = pieces.front().first(pieces.front().size() / 2);
      static_cast<void>(file_->write_at(offset, {&half, 1}));
      return base::fail(base::Errc::Unavailable, "writing: told to fail");
    }
    base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) override {
      return file_->read_at(offset, out);
    }
    base::Result<void> sync() override { return base::fail(base::Errc::Io, "nothing here is synced"); }
    base::Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
    base::Result<std::uint64_t> size() override { return file_->size(); }
    base::Result<void> reserve(std::uint64_t size) override { return file_->reserve(size); }
    base::Result<void> punch(std::uint64_t offset, std::uint64_t size) override { return file_->punch(offset, size); }

   private:
    const FailingFiles& layer_;
    std::unique_ptr<File> file_;
  };
};

constexpr StreamKey kDerivedStream{7, 1};
constexpr std::string_view kDerivedTag = "sound 1 own";

DerivedName name_of(std::uint64_t number, StreamKey stream = kDerivedStream) {
  return {stream, {number}};
}

class DerivedFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tidegate-derived-XXXXXX").string();
    options_.directory = std::string(::mkdtemp(pattern.data())) + "/cache";
    options_.pause = std::chrono::hours(1);
    open();
  }
  void TearDown() override { fs::remove_all(fs::path(options_.directory).parent_path()); }

  void open() {
    files_.reset();
    auto opened = DerivedFiles::open(options_, layer_);
    ASSERT_TRUE(opened) << opened.error().message;
    files_ = *std::move(opened);
  }
  base::Bytes make_payload(std::uint64_t number, std::size_t size) const {
    base::Bytes payload(size);
    base::SeededRandom(number).fill(payload);
    return payload;
  }
  // Ten blocks of the budget.
  void put(const DerivedName& name) {
    files_->put(name, kDerivedTag, make_payload(name.fragment.value, kPayload), files_->ticket());
  }
  bool has(const DerivedName& name) {
    const auto found = files_->find(name, kDerivedTag);
    EXPECT_TRUE(!found || *found == make_payload(name.fragment.value, kPayload));
    return found.has_value();
  }
  std::string path_of(const DerivedName& name) const { return options_.directory + "/" + derived_file_name(name); }
  std::size_t count_files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(options_.directory), fs::directory_iterator()));
  }
  std::uint64_t bytes_on_disk() const {
    std::uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(options_.directory))
      bytes += (entry.file_size() + 4095) / 4096 * 4096;
    return bytes;
  }
  void let_pass(std::chrono::minutes time) {
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
      fs::last_write_time(entry, entry.last_write_time() - time);
    }
  }

  static constexpr std::size_t kPayload = 9 * 4096 + 100;
  static constexpr std::uint64_t kTaken = 10 * 4096;
  FailingFiles layer_;
  DerivedOptions options_;
  std::unique_ptr<DerivedFiles> files_;
};

TEST_F(DerivedFilesTest, WhatWasPutIsFoundAlsoAfterARestart) {
  put(name_of(1));
  EXPECT_TRUE(has(name_of(1)));
  EXPECT_FALSE(has(name_of(2)));
  EXPECT_FALSE(has(name_of(1, {7, 2})));
  open();
  EXPECT_TRUE(has(name_of(1)));
  const DerivedStats stats = files_->stats();
  EXPECT_EQ(stats.hits, 1U);
  EXPECT_EQ(stats.bytes, kTaken);
  EXPECT_EQ(stats.entries, 1U);
}

TEST_F(DerivedFilesTest, AnyChangedOrMissingByteIsAMissAndTheFileGoes) {
  const base::Bytes payload = make_payload(3, 200);
  const auto write = [&](const base::Bytes& bytes) {
    std::ofstream(path_of(name_of(3)), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  };
  const base::Bytes whole = write_derived_entry({name_of(3), kDerivedTag, payload});
  std::uint64_t damaged = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const bool cut : {false, true}) {
      base::Bytes bytes = whole;
      if (cut) bytes.resize(at);
      if (!cut) bytes[at] ^= 0x10;
      files_->put(name_of(3), kDerivedTag, payload, files_->ticket());
      write(bytes);
      EXPECT_FALSE(files_->find(name_of(3), kDerivedTag)) << at << (cut ? " cut" : " changed");
      EXPECT_FALSE(fs::exists(path_of(name_of(3))));
      EXPECT_EQ(files_->stats().damaged, ++damaged);
    }
  }
  files_->put(name_of(3), kDerivedTag, payload, files_->ticket());
  base::Bytes longer = whole;
  longer.push_back(0);
  write(longer);
  EXPECT_FALSE(files_->find(name_of(3), kDerivedTag));
  EXPECT_EQ(files_->stats().bytes, 0U);
}

TEST_F(DerivedFilesTest, ACopyUnderAnotherNameIsNotFoundAsThat) {
  put(name_of(1));
  put(name_of(2));
  fs::copy_file(path_of(name_of(1)), path_of(name_of(2)), fs::copy_options::overwrite_existing);
  EXPECT_FALSE(files_->find(name_of(2), kDerivedTag));
  EXPECT_TRUE(has(name_of(1)));
}

TEST_F(DerivedFilesTest, WhatWasDerivedInAnotherWayIsAMiss) {
  put(name_of(1));
  open();
  EXPECT_FALSE(files_->find(name_of(1), "sound 2 own"));
  EXPECT_EQ(files_->stats().outdated, 1U);
  EXPECT_EQ(count_files(), 0U);
  files_->put(name_of(1), "sound 2 own", make_payload(1, 50), files_->ticket());
  EXPECT_EQ(files_->find(name_of(1), "sound 2 own"), make_payload(1, 50));
}

TEST_F(DerivedFilesTest, TheLeastRecentlyUsedGoesWhenTheBudgetIsReached) {
  options_.budget = 3 * kTaken + 4096;
  open();
  for (const std::uint64_t number : {1U, 2U, 3U}) put(name_of(number));
  EXPECT_TRUE(has(name_of(1)));
  put(name_of(4));
  EXPECT_FALSE(has(name_of(2)));
  for (const std::uint64_t number : {1U, 3U, 4U}) EXPECT_TRUE(has(name_of(number))) << number;
  for (std::uint64_t number = 5; number < 40; ++number) {
    put(name_of(number));
    EXPECT_LE(bytes_on_disk(), options_.budget);
    EXPECT_EQ(files_->stats().bytes, bytes_on_disk());
  }
  EXPECT_EQ(files_->stats().evicted, 36U);
  files_->put(name_of(99), kDerivedTag, make_payload(99, options_.budget), files_->ticket());
  EXPECT_EQ(files_->stats().evicted, 36U) << "what is larger than the budget evicts nothing";
}

TEST_F(DerivedFilesTest, ARestartKnowsWhatWasUsedLastAndKeepsASmallerBudget) {
  for (const std::uint64_t number : {1U, 2U, 3U}) {
    put(name_of(number));
    let_pass(std::chrono::minutes(1));
  }
  EXPECT_TRUE(has(name_of(1)));
  options_.budget = 2 * kTaken;
  open();
  EXPECT_FALSE(has(name_of(2)));
  EXPECT_TRUE(has(name_of(1)));
  EXPECT_TRUE(has(name_of(3)));
  EXPECT_EQ(count_files(), 2U);
}

TEST_F(DerivedFilesTest, TheNumberOfFilesIsBounded) {
  options_.most_entries = 5;
  open();
  for (std::uint64_t number = 1; number < 20; ++number) put(name_of(number));
  EXPECT_EQ(count_files(), 5U);
}

TEST_F(DerivedFilesTest, ForgetsAPrefixOfOneStreamFromDisk) {
  const StreamKey other{7, 2};
  for (const std::uint64_t number : {1U, 2U, 3U}) {
    put(name_of(number));
    put(name_of(number, other));
  }
  ASSERT_TRUE(files_->forget(kDerivedStream, {2}));
  EXPECT_FALSE(fs::exists(path_of(name_of(1))));
  EXPECT_FALSE(fs::exists(path_of(name_of(2))));
  EXPECT_EQ(count_files(), 4U);
  EXPECT_TRUE(has(name_of(3)));
  EXPECT_TRUE(has(name_of(1, other)));
  ASSERT_TRUE(files_->forget(other, {UINT64_MAX}));
  EXPECT_EQ(count_files(), 1U);
  const std::vector<std::pair<StreamKey, FragmentNumber>> left = {{kDerivedStream, {3}}};
  EXPECT_EQ(files_->streams(), left);
}

TEST_F(DerivedFilesTest, ASlowDerivationBringsNothingBack) {
  const std::uint64_t ticket = files_->ticket();
  ASSERT_TRUE(files_->forget(kDerivedStream, {5}));
  const base::Bytes payload = make_payload(0, 10);
  files_->put(name_of(5), kDerivedTag, payload, ticket);
  EXPECT_EQ(count_files(), 0U);
  files_->put(name_of(6), kDerivedTag, payload, ticket);
  files_->put(name_of(5, {8, 1}), kDerivedTag, payload, ticket);
  files_->put(name_of(5), kDerivedTag, payload, files_->ticket());
  EXPECT_EQ(count_files(), 3U);
  for (std::uint64_t i = 0; i < 5000; ++i) ASSERT_TRUE(files_->forget({1000 + i, 1}, {1}));
  files_->put(name_of(7), kDerivedTag, payload, ticket);
  EXPECT_EQ(count_files(), 3U) << "what was forgotten long ago is not known any more";
}

TEST_F(DerivedFilesTest, AFailedRemovalIsSaidAndTriedAgain) {
  put(name_of(1));
  layer_.removals_fail = true;
  EXPECT_FALSE(files_->forget(kDerivedStream, {1}));
  layer_.removals_fail = false;
  EXPECT_TRUE(files_->forget(kDerivedStream, {1}));
  EXPECT_EQ(count_files(), 0U);
}

TEST_F(DerivedFilesTest, AFailedWriteIsAMissAndNothingIsWrittenForAWhile) {
  put(name_of(1));
  layer_.writes_fail = true;
  put(name_of(2));
  EXPECT_FALSE(has(name_of(2)));
  EXPECT_EQ(files_->stats().failures, 1U);
  EXPECT_EQ(count_files(), 1U);
  layer_.writes_fail = false;
  put(name_of(2));
  EXPECT_EQ(files_->stats().refused, 1U);
  EXPECT_TRUE(has(name_of(1))) << "reading goes on";

  options_.pause = base::Duration::zero();
  open();
  layer_.writes_fail = true;
  put(name_of(3));
  layer_.writes_fail = false;
  put(name_of(3));
  EXPECT_TRUE(has(name_of(3)));
}

TEST_F(DerivedFilesTest, AHalfWrittenFileThatCannotBeRemovedIsAMissAfterARestart) {
  options_.pause = base::Duration::zero();
  open();
  layer_.writes_fail = layer_.removals_fail = true;
  put(name_of(1));
  layer_.writes_fail = layer_.removals_fail = false;
  ASSERT_EQ(count_files(), 1U);
  open();
  EXPECT_FALSE(has(name_of(1)));
  put(name_of(1));
  EXPECT_TRUE(has(name_of(1)));
}

TEST_F(DerivedFilesTest, GivesWayWhenTheDiskIsShort) {
  for (const std::uint64_t number : {1U, 2U, 3U}) put(name_of(number));
  options_.keep_free = 1'000'000;
  open();
  layer_.free = 1'000'000 + kTaken - 1;
  put(name_of(4));
  EXPECT_FALSE(has(name_of(4)));
  EXPECT_EQ(files_->stats().refused, 1U);
  layer_.free = 1'000'000 + kTaken;
  put(name_of(4));
  EXPECT_TRUE(has(name_of(4)));
  EXPECT_EQ(files_->give_way(kTaken + 1), 2 * kTaken);
  EXPECT_EQ(count_files(), 2U);
  layer_.free = UINT64_MAX;
  put(name_of(5));
  EXPECT_FALSE(has(name_of(5))) << "not at once again";
  EXPECT_EQ(files_->give_way(UINT64_MAX), 2 * kTaken);
  EXPECT_EQ(count_files(), 0U);
}

TEST_F(DerivedFilesTest, OtherFilesInTheFolderAreLeftAlone) {
  for (const char* name : {"notes.txt", "0000000000000007-00000001-0000000000000001.tgd.old",
                           "0000000000000007-00000001-000000000000000G.tgd"}) {
    std::ofstream(options_.directory + "/" + name) << "mine";
  }
  options_.budget = 1;
  open();
  EXPECT_EQ(files_->stats().entries, 0U);
  EXPECT_EQ(files_->give_way(UINT64_MAX), 0U);
  EXPECT_EQ(count_files(), 3U);
}

// docs/formats/derived.md, byte by byte.
TEST(DerivedEntry, IsWhatItsPageSays) {
  const base::Bytes payload = {0xaa, 0xbb};
  const base::Bytes bytes = write_derived_entry({{{0x0102030405060708, 0x090a0b0c}, {0x0d}}, "tag", payload});
  const auto rest = *base::parse_hex(
      "0000000000000031"
      "0102030405060708"
      "090a0b0c"
      "000000000000000d"
      "00000003"
      "746167"
      "aabb");
  base::Bytes expected = base::to_bytes("TGDERIV1");
  base::ByteWriter(expected).u32(crc32c_portable(rest));
  base::append(expected, rest);
  EXPECT_EQ(base::to_hex(bytes), base::to_hex(expected));
  EXPECT_EQ(derived_file_name({{0x1f, 2}, {0xabc}}), "000000000000001f-00000002-0000000000000abc.tgd");
}

}  // namespace
}  // namespace store
