// SPDX-License-Identifier: Apache-2.0
#include "store/files/direct_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "base/random.hpp"
#include "store/file_layer.hpp"

namespace store {
namespace {

constexpr std::uint64_t kBegin = DirectWriter::kAlignment;

class DirectWrites : public testing::Test {
 protected:
  DirectWrites() {
    std::filesystem::remove(path_);
    auto file = posix_files().open(path_, FileLayer::Mode::CreateNew);
    EXPECT_TRUE(file);
    file_ = std::move(*file);
    EXPECT_TRUE(file_->reserve(std::uint64_t{8} << 20));
  }
  ~DirectWrites() override { std::filesystem::remove(path_); }

  // Of sizes that no disk takes, from addresses that it does not take either.
  std::vector<base::ByteView> pieces(std::size_t total) {
    base::SeededRandom random(total);
    content_.resize(total);
    random.fill(content_);
    std::vector<base::ByteView> pieces;
    for (base::ByteView rest(content_); !rest.empty(); rest = rest.subspan(pieces.back().size())) {
      pieces.push_back(rest.first(std::min<std::size_t>(rest.size(), random.u64() % 100'000)));
    }
    return pieces;
  }

  base::Bytes read(std::uint64_t offset, std::size_t size) {
    base::Bytes bytes(size);
    const auto got = file_->read_at(offset, bytes);
    EXPECT_TRUE(got);
    bytes.resize(got.value_or(0));
    return bytes;
  }

  // Of the file's pages from `offset` on.
  std::size_t pages_in_cache(std::uint64_t offset, std::size_t size) {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset));
    EXPECT_NE(memory, MAP_FAILED);
    std::vector<unsigned char> resident(size / DirectWriter::kAlignment);
    EXPECT_EQ(::mincore(memory, size, resident.data()), 0);
    ::munmap(memory, size);
    ::close(fd);
    return static_cast<std::size_t>(
        std::ranges::count_if(resident, [](unsigned char page) { return (page & 1) != 0; }));
  }

  std::string path_ = testing::TempDir() + "tidegate-direct-" + std::to_string(::getpid());
  std::unique_ptr<File> file_;
  base::Bytes content_;
};

TEST_F(DirectWrites, LargeGroupsComeBackAsTheyWere) {
  std::uint64_t at = kBegin;
  for (const std::size_t size :
       {std::size_t{3'000'001}, std::size_t{800'003}, std::size_t{700}, std::size_t{1 << 20}}) {
    ASSERT_TRUE(write_all(*file_, at, pieces(size)));
    EXPECT_EQ(read(at, size), content_);
    const std::size_t rest = (DirectWriter::kAlignment - size % DirectWriter::kAlignment) % DirectWriter::kAlignment;
    EXPECT_EQ(read(at + size, rest), base::Bytes(rest, 0)) << "what follows " << size << " in its block";
    ASSERT_TRUE(file_->sync());
    at += size + rest;
  }
}

// What reads it whole, a derived file say, must find no byte more.
TEST_F(DirectWrites, AFileEndsWithWhatWasWrittenLast) {
  ASSERT_TRUE(file_->truncate(0));
  const std::size_t size = DirectWriter::kAtOnce + DirectWriter::kLeast + 5;
  ASSERT_TRUE(write_all(*file_, 0, pieces(size)));
  EXPECT_EQ(file_->size().value(), size);
  EXPECT_EQ(read(0, size + 1), content_);
}

TEST_F(DirectWrites, LeaveThePageCacheAlone) {
  const std::size_t size = 2 * DirectWriter::kAtOnce;
  DirectWriter writer(path_);
  const auto first = writer.write_at(kBegin, pieces(size));
  ASSERT_TRUE(first) << "the file system of " << path_ << " has no such writes";
  EXPECT_EQ(*first, static_cast<std::int64_t>(DirectWriter::kAtOnce));
  ASSERT_TRUE(write_all(*file_, kBegin, pieces(size)));
  EXPECT_EQ(pages_in_cache(kBegin, size), 0U);
}

// What is left of a large group goes the way of its beginning.
TEST_F(DirectWrites, GoOnToTheLastWholeBlock) {
  const std::size_t size = DirectWriter::kAtOnce + 3 * DirectWriter::kAlignment + 5;
  ASSERT_TRUE(write_all(*file_, kBegin, pieces(size)));
  const std::size_t whole = size / DirectWriter::kAlignment * DirectWriter::kAlignment;
  EXPECT_EQ(pages_in_cache(kBegin, whole), 0U);
  EXPECT_EQ(pages_in_cache(kBegin + whole, DirectWriter::kAlignment), 1U);
  EXPECT_EQ(read(kBegin, size), content_);
  // But not the next group.
  ASSERT_TRUE(file_->sync());
  const std::uint64_t next = kBegin + whole + DirectWriter::kAlignment;
  ASSERT_TRUE(write_all(*file_, next, pieces(DirectWriter::kAlignment)));
  EXPECT_EQ(pages_in_cache(next, DirectWriter::kAlignment), 1U);
}

TEST_F(DirectWrites, SmallGroupsAndOddPlacesAreLeftToTheCache) {
  DirectWriter writer(path_);
  EXPECT_FALSE(writer.write_at(kBegin, pieces(DirectWriter::kLeast - 1)));
  EXPECT_FALSE(writer.write_at(kBegin + 8, pieces(DirectWriter::kLeast)));
  EXPECT_EQ(read(kBegin, 64), base::Bytes(64, 0));
}

TEST(DirectWriter, AFileSystemWithoutThemIsWrittenThroughTheCache) {
  const base::Bytes content(DirectWriter::kLeast, 7);
  const std::array<base::ByteView, 1> pieces{content};
  DirectWriter writer("/proc/self/comm");  // takes no O_DIRECT
  EXPECT_FALSE(writer.write_at(kBegin, pieces));
  EXPECT_FALSE(writer.write_at(kBegin, pieces));
}

}  // namespace
}  // namespace store
