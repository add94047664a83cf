// SPDX-License-Identifier: Apache-2.0
// Times in an exported file; what players make of the whole is in tests/clients/reading_test.mjs.
#include "streams/media_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "streams/media_file_times.hpp"

namespace streams {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kFirst{seconds(1'790'000'000)};

container::Block picture(base::WallTime time, base::ByteView payload) {
  container::Block block;
  block.track = 1;
  block.time = time;
  block.payload = payload;
  return block;
}

std::vector<TimedFrame> place(FileTrack& track, const FileClock& clock, const std::vector<container::Block>& blocks) {
  std::vector<const container::Block*> pointers;
  for (const container::Block& block : blocks) pointers.push_back(&block);
  return track.place(pointers, track.track(), clock, microseconds(0));
}

TEST(FileClock, TakesHolesOutAndKeepsSmallOnes) {
  FileClock clock;
  EXPECT_FALSE(clock.begin(kFirst, kFirst + seconds(2)));
  EXPECT_EQ(clock.at(kFirst + seconds(1)), seconds(1));
  EXPECT_FALSE(clock.begin(kFirst + milliseconds(2050), kFirst + seconds(4)));
  EXPECT_EQ(clock.at(kFirst + seconds(3)), seconds(3));
  const auto cut = clock.begin(kFirst + seconds(3600), kFirst + seconds(3602));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->at, seconds(4));
  EXPECT_EQ(cut->missing, seconds(3596));
  EXPECT_EQ(clock.at(kFirst + seconds(3601)), seconds(5));
  EXPECT_EQ(clock.end(), seconds(6));
  // A second producer's fragments that overlap come one after the other.
  EXPECT_FALSE(clock.begin(kFirst + seconds(3601), kFirst + seconds(3603)));
  EXPECT_EQ(clock.at(kFirst + seconds(3601)), seconds(6));
}

TEST(FileTrack, PicturesOutOfOrderAreDecodedBeforeTheyAreShown) {
  const base::Bytes payload = {0, 0, 0, 1, 0x41};
  FileTrack track(container::make_avc_track(1, {}, 64, 48));
  FileClock clock;
  std::vector<TimedFrame> all;
  for (int fragment = 0; fragment < 3; ++fragment) {
    const base::WallTime start = kFirst + milliseconds(240 * fragment);
    clock.begin(start, start + milliseconds(240));
    // I P B B P B, as x264 sends them.
    std::vector<container::Block> blocks;
    for (const int shown : {0, 120, 40, 80, 200, 160}) blocks.push_back(picture(start + milliseconds(shown), payload));
    for (TimedFrame& frame : place(track, clock, blocks)) all.push_back(std::move(frame));
  }
  ASSERT_EQ(all.size(), 18U);
  std::vector<microseconds> shown;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_LE(all[i].decoded, all[i].shown) << i;
    if (i > 0) EXPECT_GT(all[i].decoded, all[i - 1].decoded) << i;
    shown.push_back(all[i].shown);
  }
  std::ranges::sort(shown);
  for (std::size_t i = 0; i < shown.size(); ++i) EXPECT_EQ(shown[i], milliseconds(40 * static_cast<int>(i)));
}

TEST(FileTrack, SoundOfWholeMillisecondsIsGaplessAgain) {
  FileTrack track(make_rendered_track());
  FileClock clock;
  clock.begin(kFirst, kFirst + seconds(2));
  std::vector<container::Block> blocks;
  for (int i = -3; i < 80; ++i) {
    blocks.push_back(picture(kFirst + milliseconds((i * 1024 + 500) / 48), {}));  // 64 ms before, on an odd grid
  }
  const auto frames = place(track, clock, blocks);
  ASSERT_GE(frames.size(), 79U);
  EXPECT_GE(frames.front().shown, microseconds(0));
  EXPECT_LT(frames.front().shown, microseconds(21'334));
  const auto samples = [](microseconds time) { return (time.count() * 48 + 500) / 1000; };
  for (std::size_t i = 1; i < frames.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(samples(frames[i].shown) - samples(frames[i - 1].shown)), 1024, 1) << i;
  }
}

TEST(MediaFile, WhatIsNotFinishedLeavesNothing) {
  std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-export-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  {
    auto file = create_media_file((folder / "a.mkv").string(), MediaFileKind::Matroska, {make_rendered_track()});
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(std::filesystem::exists(folder / "a.mkv.partial"));
    EXPECT_FALSE((*file)->add(kFirst, kFirst + seconds(1), base::as_bytes("no document")));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  const auto opus = container::make_opus_track(2, "");
  const auto refused = create_media_file((folder / "a.mp4").string(), MediaFileKind::Mp4, {opus});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::Unsupported);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace streams
