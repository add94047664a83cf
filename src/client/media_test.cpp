// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <ogg/ogg.h>

#include <fstream>

#include "client/media_files.hpp"
#include "client/picture.hpp"
#include "client/test_source.hpp"
#include "codecs/h264_nal.hpp"
#include "codecs/h264_sps.hpp"
#include "codecs/opus.hpp"

namespace client {
namespace {

using codecs::MediaKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t count(const MediaLoop& loop, MediaKind kind) {
  std::size_t n = 0;
  for (const auto& frame : loop.frames) n += frame.kind() == kind ? 1 : 0;
  return n;
}

std::string write_temporary(std::string_view name, base::ByteView bytes) {
  const std::string path = testing::TempDir() + "tidegate_" + std::string(name);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

base::Bytes make_ogg(const std::vector<base::Bytes>& packets) {
  ogg_stream_state stream;
  ogg_stream_init(&stream, 77);
  base::Bytes out;
  const auto put = [&](base::Bytes packet, bool flush) {
    ogg_packet in{};
    in.packet = packet.data();
    in.bytes = static_cast<long>(packet.size());
    ogg_stream_packetin(&stream, &in);
    ogg_page page;
    while ((flush ? ogg_stream_flush(&stream, &page) : ogg_stream_pageout(&stream, &page)) != 0) {
      base::append(out, {page.header, static_cast<std::size_t>(page.header_len)});
      base::append(out, {page.body, static_cast<std::size_t>(page.body_len)});
    }
  };
  base::Bytes head = base::to_bytes("OpusHead");
  head.resize(19);
  put(head, true);
  put(base::to_bytes("OpusTags\0\0\0\0\0\0\0\0"), true);
  for (const auto& packet : packets) put(packet, &packet == &packets.back());
  ogg_stream_clear(&stream);
  return out;
}

TEST(TestPicture, IsConstrainedBaselineWithAKeyFrameEveryTwoSeconds) {
  const auto loop = make_test_loop({.clock_start = base::from_microseconds(0)}, seconds(5));
  ASSERT_TRUE(loop) << loop.error().message;
  EXPECT_EQ(count(**loop, MediaKind::Video), 125U);
  EXPECT_EQ(count(**loop, MediaKind::Audio), 250U);
  std::vector<milliseconds> key_frames;
  base::Duration last{};
  std::size_t bytes = 0;
  for (const auto& frame : (*loop)->frames) {
    EXPECT_GE(frame.at, last);
    last = frame.at;
    if (frame.kind() != MediaKind::Video) {
      EXPECT_EQ(codecs::opus::packet_duration(frame.frame->payload), 960U);
      continue;
    }
    bytes += frame.frame->payload.size();
    if (!frame.frame->key_frame) continue;
    key_frames.push_back(std::chrono::duration_cast<milliseconds>(frame.at));
    const auto sps = codecs::h264::parse_sps(codecs::h264::find_nal(frame.frame->payload, codecs::h264::NalType::Sps));
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->profile_idc, 66);
    EXPECT_NE(sps->constraint_flags & 0x40, 0);
    EXPECT_EQ(sps->width, 640U);
    EXPECT_EQ(sps->height, 360U);
    EXPECT_FALSE(codecs::h264::find_nal(frame.frame->payload, codecs::h264::NalType::Pps).empty());
  }
  EXPECT_EQ(key_frames, (std::vector<milliseconds>{seconds(0), seconds(2), seconds(4)}));
  EXPECT_LT(bytes, 5U * 800'000 / 8 * 12 / 10);
}

TEST(TestPicture, MakesAKeyFrameWhenAskedTo) {
  const auto source = make_test_source({.sound = false});
  ASSERT_TRUE(source) << source.error().message;
  for (int i = 0; i < 10; ++i) EXPECT_EQ((*source)->next()->frame->key_frame, i == 0);
  (*source)->request_key_frame();
  EXPECT_TRUE((*source)->next()->frame->key_frame);
  EXPECT_FALSE((*source)->next()->frame->key_frame);
}

TEST(TestPicture, RefusesSizesItCannotEncode) {
  EXPECT_FALSE(make_test_source({.width = 641}));
  EXPECT_FALSE(make_test_source({.width = 100000}));
}

TEST(TestPicture, ShowsTheClock) {
  Picture a(640, 360);
  Picture b(640, 360);
  a.draw(0, "00:00:01.000");
  b.draw(0, "00:00:01.001");
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.luma().size(); ++i) different += a.luma()[i] != b.luma()[i] ? 1 : 0;
  EXPECT_GT(different, 50U) << "the last digit";
  EXPECT_LT(different, 4000U) << "and nothing else";
  Picture tiny(2, 2);
  tiny.draw(12345678901, "00:00:00.000");
}

TEST(MediaFiles, ReadsBackAnnexBAndOgg) {
  const auto loop = make_test_loop({}, seconds(1));
  ASSERT_TRUE(loop);
  base::Bytes annex_b;
  std::vector<base::Bytes> packets;
  for (const auto& frame : (*loop)->frames) {
    if (frame.kind() == MediaKind::Video) {
      base::append(annex_b, codecs::h264::to_annex_b(frame.frame->payload));
    } else {
      packets.push_back(frame.frame->payload);
    }
  }
  const auto back = read_ogg_opus(make_ogg(packets));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, packets);

  FileOptions options;
  options.h264_file = write_temporary("picture.h264", annex_b);
  options.opus_file = write_temporary("sound.opus", make_ogg(packets));
  const auto loaded = load_media(options);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ((*loaded)->length, seconds(1)) << "25 pictures, the rate is in the SPS";
  ASSERT_EQ((*loaded)->frames.size(), (*loop)->frames.size());
  std::vector<base::Bytes> originals, copies;
  for (const auto& frame : (*loop)->frames) {
    if (frame.kind() == MediaKind::Video) originals.push_back(frame.frame->payload);
  }
  for (const auto& frame : (*loaded)->frames) {
    if (frame.kind() == MediaKind::Video) copies.push_back(frame.frame->payload);
  }
  EXPECT_EQ(originals, copies);
}

TEST(MediaFiles, SaysWhatIsWrong) {
  const auto error = [](const std::string& file) {
    FileOptions options;
    options.h264_file = file;
    const auto loaded = load_media(options);
    return loaded ? std::string("no error") : loaded.error().message;
  };
  EXPECT_EQ(error("/nowhere/x.h264"), "cannot open /nowhere/x.h264");
  const std::string garbage = write_temporary("garbage.h264", base::to_bytes("hello"));
  EXPECT_EQ(error(garbage), garbage + " holds no H.264 access unit");
  EXPECT_FALSE(read_ogg_opus(base::to_bytes("OggSnonsense")));
  EXPECT_FALSE(read_ogg_opus({}));
}

TEST(LoopSource, RepeatsWithoutAGap) {
  auto loop = std::make_shared<MediaLoop>();
  auto frame = std::make_shared<const codecs::Frame>();
  loop->frames = {{milliseconds(0), frame}, {milliseconds(40), frame}};
  loop->length = milliseconds(80);
  LoopSource endless(loop, true);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(endless.next()->at, i * milliseconds(40));
  LoopSource once(loop, false);
  EXPECT_TRUE(once.next() && once.next());
  EXPECT_FALSE(once.next());
}

// Two groups of two pictures; those of the lower bit rate are half as long.
std::shared_ptr<const MediaLoop> make_two_rates(base::Duration low_for) {
  const auto loop = std::make_shared<MediaLoop>();
  loop->length = seconds(4);
  loop->low_for = low_for;
  for (int i = 0; i < 4; ++i) {
    for (const bool low : {false, true}) {
      base::Bytes unit(low ? 500 : 1000, 0x65);
      unit[0] = unit[1] = 0;
      unit[2] = static_cast<std::uint8_t>((unit.size() - 4) >> 8);
      unit[3] = static_cast<std::uint8_t>(unit.size() - 4);
      auto frame =
          std::make_shared<const codecs::Frame>(codecs::Frame{codecs::CodecId::H264, i % 2 == 0, std::move(unit)});
      (low ? loop->low_pictures : loop->frames).push_back({seconds(i), std::move(frame)});
    }
  }
  loop->prepare(false);
  return loop;
}

TEST(LoopSource, SendsTheLowerBitRateWhenAskedForLessAndChangesAtKeyFrames) {
  const auto loop = make_two_rates({});
  EXPECT_EQ(loop->bits_per_second, 8000U);
  LoopSource source(loop, true);
  std::vector<std::size_t> sent;
  for (int i = 0; i < 9; ++i) {
    if (i == 1) source.heed_bitrate(7000);
    if (i == 4) source.heed_bitrate(7500);
    const auto frame = source.next();
    ASSERT_TRUE(frame && frame->prepared);
    EXPECT_EQ(frame->at, seconds(i));
    EXPECT_EQ(frame->frame->payload.size(), *frame->prepared < 4 ? 1000U : 500U);
    sent.push_back(*frame->prepared);
  }
  EXPECT_EQ(sent, (std::vector<std::size_t>{0, 1, 6, 7, 0, 1, 2, 3, 0}));
}

TEST(LoopSource, MayBeginWithTheLowerBitRate) {
  LoopSource source(make_two_rates(seconds(3)), true);
  std::vector<std::size_t> sent;
  for (int i = 0; i < 6; ++i) sent.push_back(*source.next()->prepared);
  EXPECT_EQ(sent, (std::vector<std::size_t>{4, 5, 6, 7, 0, 1}));
}

}  // namespace
}  // namespace client
