// SPDX-License-Identifier: Apache-2.0
// What a viewer measures: clocks, ages, freezes, and how it tells them. The whole viewer: clients/viewer_command.
#include <gtest/gtest.h>

#include "client/clock_reader.hpp"
#include "client/picture.hpp"
#include "client/test_source.hpp"
#include "client/viewer_report.hpp"

namespace client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kClockSize = 12;

std::optional<std::string> read_back(const Picture& picture) {
  return read_burnt_text({picture.luma().data(), picture.width(), picture.width(), picture.height()}, kClockSize);
}

TEST(BurntText, IsReadAsItWasDrawn) {
  for (const auto& [width, height] :
       {std::pair{640, 360}, std::pair{320, 180}, std::pair{1280, 720}, std::pair{128, 96}}) {
    Picture picture(width, height);
    for (const std::string text : {"12:34:56.789", "00:00:00.000", "19:08:27.365", "--##  ::.."}) {
      picture.draw(7, text);
      const int size = static_cast<int>(text.size());
      const auto read =
          read_burnt_text({picture.luma().data(), picture.width(), picture.width(), picture.height()}, size);
      if (text.find(' ') == std::string::npos) {
        EXPECT_EQ(read, text) << width;
      } else {
        EXPECT_EQ(read, std::nullopt) << "a blank is none of the characters";
      }
    }
  }
}

TEST(BurntText, IsNotSeenWhereThereIsNone) {
  Picture picture(640, 360);
  picture.draw(1, "");
  EXPECT_EQ(read_back(picture), std::nullopt);
  EXPECT_EQ(read_burnt_text({picture.luma().data(), 64, 60, 16}, kClockSize), std::nullopt) << "too small for a clock";
}

TEST(AgeOfAClock, IsTheShorterWayAroundMidnight) {
  const auto at = [](const char* text) { return base::parse_time(text).value(); };
  EXPECT_EQ(age_of("12:34:56.789", at("2026-11-26T12:34:57.000Z")), milliseconds(211));
  EXPECT_EQ(age_of("23:59:59.900", at("2026-11-26T00:00:00.100Z")), milliseconds(200));
  EXPECT_EQ(age_of("00:00:00.100", at("2026-11-25T23:59:59.900Z")), milliseconds(-200));
  EXPECT_EQ(age_of("24:00:00.000", at("2026-11-26T00:00:00.100Z")), std::nullopt);
  EXPECT_EQ(age_of("12:34.56:789", at("2026-11-26T00:00:00.100Z")), std::nullopt);
}

// Eleven pictures a second apart in the clock's own time, decoded, each of them or the key frames alone.
TEST(ClockReader, ReadsTheTestPicture) {
  const base::WallTime start = base::parse_time("2026-11-26T10:20:30.400Z").value();
  const auto loop = make_test_loop({.width = 320, .height = 180, .clock_start = start}, seconds(5)).value();
  auto every = ClockReader::open().value();
  auto keys = ClockReader::open().value();
  int pictures = 0;
  int key_frames = 0;
  for (const MediaFrame& frame : loop->frames) {
    if (frame.kind() != codecs::MediaKind::Video) continue;
    const base::WallTime seen = start + std::chrono::floor<milliseconds>(frame.at) + milliseconds(123);
    EXPECT_EQ(every->read(frame.frame->payload, seen, false), milliseconds(123)) << pictures;
    ++pictures;
    if (!frame.frame->key_frame) continue;
    EXPECT_EQ(keys->read(frame.frame->payload, seen, true), milliseconds(123)) << pictures;
    ++key_frames;
  }
  EXPECT_EQ(pictures, 125);
  EXPECT_EQ(key_frames, 3);
  EXPECT_EQ(keys->read(base::to_bytes("no picture"), start, true), std::nullopt);
}

TEST(FreezeMeter, CountsAsWebrtcStatsDoes) {
  FreezeMeter meter;
  base::Instant now{};
  const auto after = [&](int ms) {
    now += milliseconds(ms);
    meter.note_picture(now);
  };
  after(0);
  for (int i = 0; i < 40; ++i) after(40);
  after(189);  // 40 + 150 would be one
  EXPECT_EQ(meter.freezes(), 0U);
  for (int i = 0; i < 30; ++i) after(40);
  after(190);
  EXPECT_EQ(meter.freezes(), 1U);
  EXPECT_EQ(meter.frozen(), milliseconds(190));
  for (int i = 0; i < 30; ++i) after(100);
  after(299);  // 3 x 100 would be one: more than 100 + 150
  EXPECT_EQ(meter.freezes(), 1U);
  for (int i = 0; i < 30; ++i) after(100);
  after(300);
  EXPECT_EQ(meter.freezes(), 2U);
}

TEST(AgeTable, HasQuantiles) {
  AgeTable table;
  EXPECT_EQ(table.quantile(0.5), std::nullopt);
  for (int ms = 1; ms <= 100; ++ms) EXPECT_TRUE(table.note(milliseconds(ms)));
  EXPECT_FALSE(table.note(std::chrono::hours(3))) << "another clock";
  EXPECT_EQ(table.quantile(0.5), milliseconds(50));
  EXPECT_EQ(table.quantile(0.95), milliseconds(95));
  EXPECT_EQ(table.quantile(1), milliseconds(100));
  AgeTable other;
  other.note(milliseconds(-3));
  other.add(table);
  EXPECT_EQ(other.count(), 101U);
  EXPECT_EQ(other.quantile(0), milliseconds(-3));
}

TEST(ViewerReport, IsOneLineOfJson) {
  ViewerResult result;
  result.client_id = "v-1";
  result.timings.join = std::chrono::microseconds(12345);
  result.timings.first_frame = milliseconds(80);
  result.pictures = 25;
  result.sounds_sent = 7;
  result.freezes = 1;
  result.bits_per_second = 620'400;
  result.ages.note(milliseconds(42));
  const std::string numbers =
      R"("video_frames":25,"audio_packets":0,"audio_packets_sent":7,"packets_lost":0,"packets_repaired":0,)"
      R"("frames_dropped":0,"freezes":1,"frozen_ms":0,"bitrate_kbps":620,"latency_ms":{"median":42.0,"p95":42.0,"max":42.0,"pictures":1,)"
      R"("unreadable":0})";
  EXPECT_EQ(to_json({result}),
            R"({"viewers":[{"client_id":"v-1","error":null,"timings_ms":{"join":12.3,"offer":null,"ice":null,)"
            R"("dtls":null,"first_frame":80.0},"joins":0,"key_frames":0,)" +
                numbers +
                R"(}],"all":{"timings_ms":{"join":{"median":12.3,"max":12.3,"viewers":1},)"
                R"("first_frame":{"median":80.0,"max":80.0,"viewers":1}},)" +
                numbers + R"(},"failed":0})");
  result.error = "no picture came";
  EXPECT_NE(to_lines({result}).find("FAILED: no picture came"), std::string::npos);
  const std::string many = to_lines(std::vector<ViewerResult>(20, result));
  EXPECT_NE(many.find("first picture: median 80 ms"), std::string::npos);
  EXPECT_NE(many.find("20 viewers, 20 failed, 500 pictures"), std::string::npos);
}

}  // namespace
}  // namespace client
