// SPDX-License-Identifier: Apache-2.0
// Rendered sound on disk, under a real archive: what is found after a restart, and what must be gone.
#include <gtest/gtest.h>
#include <opus.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "async/shard.hpp"
#include "base/log.hpp"
#include "container/matroska_writer.hpp"
#include "streams/archive.hpp"
#include "streams/playback.hpp"
#include "streams/rendered_sound.hpp"
#include "streams/test_sound.hpp"

namespace streams {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

[[maybe_unused]] const bool kKeptQuiet = (base::set_log_level(base::LogLevel::Off), true);

constexpr StreamKey kHeardStream{7, 1};
constexpr StreamKey kOtherStream{8, 1};
constexpr base::WallTime kSoundOnAir{microseconds(1'795'000'000'000'000)};
constexpr int kSoundFragments = 4;  // of two seconds

std::vector<base::Bytes> make_opus_sweep() {
  int error = 0;
  const std::unique_ptr<OpusEncoder, decltype(&opus_encoder_destroy)> encoder(
      opus_encoder_create(48'000, 1, OPUS_APPLICATION_VOIP, &error), &opus_encoder_destroy);
  std::vector<base::Bytes> packets;
  for (std::size_t i = 0; i < 100 * kSoundFragments; ++i) {
    std::vector<float> pcm(960);
    for (std::size_t k = 0; k < 960; ++k) {
      const double at = static_cast<double>(960 * i + k) / 48'000;
      pcm[k] = static_cast<float>(0.3 * std::sin(2 * std::numbers::pi * (300 + 40 * at) * at));
    }
    base::Bytes packet(1500);
    packet.resize(static_cast<std::size_t>(opus_encode_float(encoder.get(), pcm.data(), 960, packet.data(), 1500)));
    packets.push_back(std::move(packet));
  }
  return packets;
}

// An archive and its playback; restart() is another process over the same directory.
class KeptSound : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tidegate-kept-XXXXXX").string();
    options_.directory = ::mkdtemp(pattern.data());
    options_.wall_clock = [this] { return now_; };
    options_.retention.interval = base::Duration::zero();
    options_.retention.spread = microseconds::zero();
    options_.derived_bytes = 1U << 26U;
    restart();
  }
  void TearDown() override {
    playback_.reset();
    archive_.reset();
    fs::remove_all(options_.directory);
  }

  void restart() {
    playback_.reset();
    archive_.reset();
    auto opened = open_archive(options_, readers_);
    ASSERT_TRUE(opened) << opened.error().message;
    archive_ = *std::move(opened);
    ASSERT_TRUE(archive_->set_retention(kHeardStream, policy_));
    playback_ = std::make_unique<Playback>(PlaybackOptions{.aac = aac_, .disk = archive_->derived()}, renderers_);
  }

  void record(StreamKey stream) {
    static const std::vector<base::Bytes> kSweepPackets = make_opus_sweep();
    const auto log = archive_->log(stream);
    for (int f = 0; f < kSoundFragments; ++f) {
      const base::WallTime start = kSoundOnAir + seconds(2 * f);
      container::MatroskaFragmentWriter writer(start);
      for (int i = 100 * f; i < 100 * (f + 1); ++i) {
        ASSERT_TRUE(writer.add({2, true, kSoundOnAir + milliseconds(20 * i), 960 * i},
                               kSweepPackets[static_cast<std::size_t>(i)]));
      }
      const std::vector<container::Track> sound_track{container::make_opus_track(2, "")};
      FragmentDraft draft;
      draft.producer_time = draft.server_time = start;
      draft.duration = seconds(2);
      draft.flags = kAudio;
      draft.payload = std::make_shared<const base::Bytes>(writer.finish(sound_track, start + seconds(2)));
      now_ = std::max(now_, start + seconds(2));
      log->commit(log->open_fragment(start), std::move(draft), [](const auto& done) { ASSERT_TRUE(done); });
      archive_->flush();
    }
  }

  std::vector<StoredFragment> list(StreamKey stream) {
    const auto log = archive_->log(stream);
    return shard_.run_blocking([&] { return log->after({}, 100); }).value();
  }
  base::Result<std::shared_ptr<const RenderedAudio>> read(const StoredFragment& fragment) {
    const auto log = archive_->log(fragment.header.stream);
    return shard_.run_blocking([&] { return playback_->audio(log, fragment); });
  }
  // The sound of everything that is listed.
  std::vector<std::vector<base::Bytes>> read_all(StreamKey stream) {
    std::vector<std::vector<base::Bytes>> sound;
    for (const StoredFragment& fragment : list(stream)) {
      const auto one = read(fragment);
      EXPECT_TRUE(one) << one.error().message;
      if (one) sound.push_back(copy_units(**one));
    }
    return sound;
  }
  std::size_t count_files() const {
    std::size_t count = 0;
    if (!fs::exists(cache())) return 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(cache())) ++count;
    return count;
  }
  std::string cache() const { return options_.directory + "/cache"; }

  base::WallTime now_ = kSoundOnAir;
  ArchiveOptions options_;
  RetentionPolicy policy_{.hours = 24};
  AacChoice aac_ = AacChoice::Own;
  async::DiskWorker readers_{{"readers", 2, 4096}};
  async::DiskWorker renderers_{{.name = "render", .threads = 2}};
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<Playback> playback_;
  async::Shard shard_{"test"};
};

TEST_F(KeptSound, ARestartRendersNothingAgainAndGivesTheSameBytes) {
  record(kHeardStream);
  const auto first = read_all(kHeardStream);
  ASSERT_EQ(first.size(), static_cast<std::size_t>(kSoundFragments));
  EXPECT_GT(first[1].size(), 90U);
  EXPECT_EQ(playback_->stats().audio_rendered, 4U);
  EXPECT_EQ(count_files(), 4U);
  restart();
  EXPECT_EQ(read_all(kHeardStream), first);
  EXPECT_EQ(playback_->stats().audio_rendered, 0U);
  EXPECT_EQ(playback_->stats().audio_from_disk, 4U);
  EXPECT_EQ(read_all(kHeardStream), first);
  EXPECT_EQ(playback_->stats().audio_from_disk, 4U) << "then memory has it";
}

TEST_F(KeptSound, AChangedByteIsRenderedAgainToTheSameBytes) {
  record(kHeardStream);
  const auto first = read_all(kHeardStream);
  for (const auto& entry : fs::directory_iterator(cache())) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    file.put('\x55');
    file.put('\x56');
  }
  restart();
  EXPECT_EQ(read_all(kHeardStream), first);
  EXPECT_EQ(playback_->stats().audio_rendered, 4U);
  EXPECT_EQ(archive_->derived()->stats().damaged, 4U);
}

TEST_F(KeptSound, AnotherEncoderRendersAgain) {
  record(kHeardStream);
  const auto own = read_all(kHeardStream);
  aac_ = AacChoice::Ffmpeg;
  restart();
  EXPECT_NE(read_all(kHeardStream), own);
  EXPECT_EQ(playback_->stats().audio_rendered, 4U);
}

TEST_F(KeptSound, NothingOfAStreamWithoutRetentionIsOnDisk) {
  policy_.hours = 0;
  restart();
  record(kHeardStream);
  EXPECT_EQ(read_all(kHeardStream).size(), static_cast<std::size_t>(kSoundFragments));
  EXPECT_EQ(playback_->stats().audio_rendered, 4U);
  EXPECT_EQ(count_files(), 0U);
}

TEST_F(KeptSound, DeleteStreamTakesItsSoundAndNoOther) {
  record(kHeardStream);
  record(kOtherStream);
  read_all(kHeardStream);
  const auto other = read_all(kOtherStream);
  EXPECT_EQ(count_files(), 8U);
  ASSERT_TRUE(archive_->remove(kHeardStream));
  ASSERT_TRUE(archive_->sweep());
  EXPECT_EQ(count_files(), 4U);
  restart();
  EXPECT_EQ(read_all(kOtherStream), other);
  EXPECT_EQ(playback_->stats().audio_rendered, 0U);
}

TEST_F(KeptSound, WhatIsReadWhileItsStreamIsDeletedIsNotKept) {
  record(kHeardStream);
  const auto fragments = list(kHeardStream);
  const auto log = archive_->log(kHeardStream);
  ASSERT_TRUE(archive_->remove(kHeardStream));
  ASSERT_TRUE(archive_->sweep());
  for (const StoredFragment& fragment : fragments) {
    static_cast<void>(shard_.run_blocking([&] { return playback_->audio(log, fragment); }));
  }
  EXPECT_EQ(count_files(), 0U);
}

TEST_F(KeptSound, WhatExpiresTakesItsSoundAlong) {
  record(kHeardStream);
  read_all(kHeardStream);
  now_ = kSoundOnAir + std::chrono::hours(24) + seconds(3);
  ASSERT_TRUE(archive_->sweep());
  EXPECT_EQ(list(kHeardStream).size(), 2U);
  EXPECT_EQ(count_files(), 2U);
}

TEST_F(KeptSound, ADeletionThatWasCutOffIsFinishedByTheNextStart) {
  record(kHeardStream);
  read_all(kHeardStream);
  ASSERT_TRUE(archive_->remove(kHeardStream));
  restart();
  ASSERT_TRUE(archive_->sweep());
  EXPECT_EQ(count_files(), 0U);
}

TEST_F(KeptSound, SoundWithoutItsRecordingIsRemovedAtTheStart) {
  record(kHeardStream);
  read_all(kHeardStream);
  archive_->derived()->put({{99, 1}, {5}}, "tag", base::Bytes{1}, archive_->derived()->ticket());
  archive_->derived()->put({kHeardStream, {5}}, "tag", base::Bytes{1}, archive_->derived()->ticket());
  EXPECT_EQ(count_files(), 6U);
  restart();
  EXPECT_EQ(count_files(), 4U);
}

TEST_F(KeptSound, WithoutABudgetTheFolderGoes) {
  record(kHeardStream);
  const auto first = read_all(kHeardStream);
  options_.derived_bytes = 0;
  restart();
  EXPECT_FALSE(fs::exists(cache()));
  EXPECT_EQ(archive_->derived(), nullptr);
  EXPECT_EQ(read_all(kHeardStream), first);
  EXPECT_FALSE(fs::exists(cache()));
}

TEST_F(KeptSound, AFolderThatCannotBeMadeCostsNoRead) {
  playback_.reset();
  archive_.reset();
  fs::remove_all(cache());
  std::ofstream(cache()) << "in the way";
  restart();
  EXPECT_EQ(archive_->derived(), nullptr);
  record(kHeardStream);
  EXPECT_EQ(read_all(kHeardStream).size(), static_cast<std::size_t>(kSoundFragments));
}

TEST(RenderedSound, ComesBackOnlyForItsOwnUnits) {
  const RenderedAudio audio(7 * 1024, {1, 2, 3, 4}, std::vector<std::uint32_t>{3, 3, 4});
  const base::Bytes bytes = write_sound(audio);
  EXPECT_EQ(base::to_hex(bytes),
            "0000000000001c00"
            "00000003"
            "00000003010203"
            "00000000"
            "0000000104");
  const auto back = parse_sound(bytes, {7, 3});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->first_sample, audio.first_sample);
  EXPECT_EQ(copy_units(*back), copy_units(audio));
  EXPECT_FALSE(parse_sound(bytes, {8, 3}));
  EXPECT_FALSE(parse_sound(bytes, {7, 2}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_sound(base::ByteView(bytes).first(size), {7, 3})) << size;
  }
  base::Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(parse_sound(longer, {7, 3}));
}

TEST(RenderedSound, TheTagTellsEncodersAndFragmentsApart) {
  StoredFragment one;
  StoredFragment other;
  other.payload_crc = 1;
  EXPECT_NE(sound_tag(AacChoice::Own, one), sound_tag(AacChoice::Own, other));
  EXPECT_NE(sound_tag(AacChoice::Own, one), sound_tag(AacChoice::Ffmpeg, one));
  EXPECT_LT(sound_tag(AacChoice::Own, one).size(), store::kMostTagBytes);
}

}  // namespace
}  // namespace streams
