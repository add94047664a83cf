// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.hpp"
#include "container/ebml.hpp"
#include "container/hls_playlist.hpp"
#include "container/matroska_parser.hpp"
#include "container/matroska_writer.hpp"
#include "container/mp4.hpp"
#include "container/test_media.hpp"

namespace container {
namespace {

using base::Bytes;
using base::ByteView;
using std::chrono::microseconds;
using test_media::run;
using test_media::Scratch;

constexpr base::WallTime kStart{microseconds(1'795'000'000'123'456)};
const Bytes kAvcc = *base::parse_hex("014d401fffe100046742401f01000268ce");

Track make_test_video() {
  return make_avc_track(1, kAvcc, 160, 96);
}

TEST(Ebml, SizesTakeTheShortestForm) {
  struct Row {
    std::uint64_t size;
    const char* hex;
  };
  for (const Row& row : {Row{0, "80"}, Row{126, "fe"}, Row{127, "407f"}, Row{16382, "7ffe"}, Row{16383, "203fff"},
                         Row{1U << 28, "0810000000"}}) {
    Bytes out;
    ebml::Writer(out).size(row.size);
    EXPECT_EQ(base::to_hex(out), row.hex) << row.size;
  }
}

TEST(Ebml, SignedVarintsComeBack) {
  Bytes out;
  const std::int64_t values[] = {0, -1, 1, 63, -64, 64, 20'000, -20'000, INT64_MAX, INT64_MIN};
  for (const std::int64_t value : values) ebml::append_signed_varint(out, value);
  base::ByteReader reader(out);
  for (const std::int64_t value : values) EXPECT_EQ(ebml::read_signed_varint(reader), value);
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_EQ(ebml::read_signed_varint(reader), std::nullopt);
}

// docs/formats/fragment.md, byte by byte, for a fragment of one frame.
TEST(MatroskaWriter, GoldenBytes) {
  MatroskaFragmentWriter writer(base::WallTime(microseconds(1'000'500)));
  const Bytes frame = {0, 0, 0, 1, 0x65};
  ASSERT_TRUE(writer.add(
      {.track = 1, .key_frame = true, .time = base::WallTime(microseconds(1'000'500)), .rtp_timestamp = 90}, frame));
  const Track track = make_test_video();
  const Bytes document = writer.finish({&track, 1}, base::WallTime(microseconds(1'040'500)));
  EXPECT_EQ(base::to_hex(document),
            "1a45dfa310000023"
            "42868101"
            "42f78101"
            "42f28104"
            "42f38108"
            "4282886d6174726f736b61"
            "42878104"
            "42858102"
            "18538067100000df"
            "1549a96610000033"
            "2ad7b1830f4240"
            "4489884044000000000000"
            "7ba98854696465676174654d80885469646567617465"
            "57418854696465676174"
            "65"
            "1654ae6b10000049"
            "ae10000044"
            "d78101"
            "73c58101"
            "838101"
            "9c8100"
            "22b59c83756e64"
            "868f565f4d504547342f49534f2f415643"
            "63a291014d401fffe100046742401f01000268ce"
            "e010000006"
            "b081a0"
            "ba8160"
            "1254c36710000034"
            "73731000002e"
            "67c810000028"
            "45a38e54494445474154455f54494d4553"
            "4485"
            "94"
            "01"
            "00000000000f4434"
            "00000000000fe074"
            "00"
            "b401"
            "1f43b6751000000f"
            "e78203e8"
            "a3"
            "89"
            "81"
            "0000"
            "80"
            "0000000165");
}

struct Written {
  std::vector<FrameTiming> timings;
  std::vector<Bytes> payloads;
  std::vector<Track> tracks;
  Bytes document;
};

Written write_random_fragment(std::uint64_t seed) {
  base::SeededRandom random(seed);
  Written written;
  written.tracks = {make_test_video(), make_opus_track(2, "camera-1"), make_opus_track(3, "viewer with spaces")};
  MatroskaFragmentWriter writer(kStart);
  for (int i = 0; i < 200; ++i) {
    FrameTiming timing;
    timing.track = static_cast<std::uint32_t>(1 + random.below(3));
    timing.key_frame = i == 0 || timing.track > 1;
    timing.time = kStart + microseconds(static_cast<std::int64_t>(random.below(20'000'000)) - 300'000);
    timing.rtp_timestamp = static_cast<std::int64_t>(random.u64() >> 20) - (std::int64_t{1} << 40);
    Bytes payload(random.below(2000));
    random.fill(payload);
    EXPECT_TRUE(writer.add(timing, payload));
    written.timings.push_back(timing);
    written.payloads.push_back(std::move(payload));
  }
  const Tag tags[] = {{"TIDEGATE_SESSION", "abc"}, {"custom", "\xC3\xA9"}};
  written.document = writer.finish(written.tracks, kStart + microseconds(2'000'001), tags);
  return written;
}

TEST(Matroska, WhatIsWrittenComesBackExactly) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Written written = write_random_fragment(seed);
    const auto parsed = parse_matroska(written.document);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->tracks, written.tracks);
    EXPECT_EQ(parsed->start, kStart);
    EXPECT_EQ(parsed->end, kStart + microseconds(2'000'001));
    EXPECT_TRUE(parsed->has_exact_times);
    EXPECT_EQ(parsed->size, written.document.size());
    ASSERT_EQ(parsed->tags.size(), 2u);
    EXPECT_EQ(parsed->tags[1], (Tag{"custom", "\xC3\xA9"}));
    ASSERT_EQ(parsed->blocks.size(), written.timings.size());
    for (std::size_t i = 0; i < parsed->blocks.size(); ++i) {
      const Block& block = parsed->blocks[i];
      EXPECT_EQ(block.track, written.timings[i].track);
      EXPECT_EQ(block.key_frame, written.timings[i].key_frame);
      EXPECT_EQ(block.time, written.timings[i].time);
      EXPECT_EQ(block.rtp_timestamp, written.timings[i].rtp_timestamp);
      EXPECT_TRUE(std::ranges::equal(block.payload, written.payloads[i]));
      EXPECT_LT(std::abs(block.timestamp_ns / 1000 - base::to_microseconds(block.time)), 1000);
    }
  }
}

TEST(MatroskaWriter, RefusesWhatABlockCannotSay) {
  MatroskaFragmentWriter writer(kStart);
  EXPECT_FALSE(writer.add({.track = 0, .time = kStart}, {}));
  EXPECT_FALSE(writer.add({.track = 127, .time = kStart}, {}));
  EXPECT_FALSE(writer.add({.track = 1, .time = kStart + std::chrono::seconds(33)}, {}));
  EXPECT_TRUE(writer.add({.track = 126, .time = kStart + std::chrono::seconds(32)}, {}));
  EXPECT_EQ(writer.frame_count(), 1u);
}

TEST(MatroskaParser, EveryCutIsRefusedOrShorter) {
  const Written written = write_random_fragment(3);
  for (std::size_t size = 0; size < 1500; ++size) {
    EXPECT_FALSE(parse_matroska(ByteView(written.document).first(size))) << size;
  }
  for (std::size_t size = 1500; size < written.document.size(); size += 997) {
    EXPECT_FALSE(parse_matroska(ByteView(written.document).first(size))) << size;
  }
}

TEST(MatroskaParser, DamageNeverReachesOutside) {
  base::SeededRandom random(7);
  const Written written = write_random_fragment(5);
  for (int round = 0; round < 3000; ++round) {
    Bytes damaged = written.document;
    for (int i = 0; i < 3; ++i)
      damaged[random.below(random.below(2) ? 1200 : damaged.size())] = static_cast<std::uint8_t>(random.u32());
    const auto parsed = parse_matroska(damaged);
    if (!parsed) continue;
    for (const Block& block : parsed->blocks) {
      EXPECT_LE(block.payload.data() + block.payload.size(), damaged.data() + damaged.size());
    }
  }
}

TEST(MatroskaParser, ReadsUnknownSizesAndStopsAtTheNextDocument) {
  const Track tracks[] = {make_test_video()};
  const Bytes payload = {0, 0, 0, 1, 0x65};
  Bytes stream;
  for (int i = 0; i < 3; ++i) {
    const DocumentFrame frames[] = {{1, true, kStart, payload}, {1, false, kStart + microseconds(40'000), payload}};
    base::append(stream, write_get_media_document(tracks, kStart, frames,
                                                  write_fragment_tags({.fragment_number = std::to_string(i)}),
                                                  write_continuation_tags("7", 5)));
  }
  // The clusters too get an unknown size, as producers send them.
  const Bytes cluster_id = {0x1F, 0x43, 0xB6, 0x75};
  for (auto at = stream.begin();
       (at = std::search(at, stream.end(), cluster_id.begin(), cluster_id.end())) != stream.end(); at += 8) {
    std::copy_n("\x1F\xFF\xFF\xFF", 4, at + 4);
  }
  ByteView rest = stream;
  for (int i = 0; i < 3; ++i) {
    const auto parsed = parse_matroska(rest);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->blocks.size(), 2u);
    EXPECT_EQ(parsed->tags.size(), 5u);
    EXPECT_EQ(parsed->tags[0].value, std::to_string(i));
    EXPECT_FALSE(parsed->has_exact_times);
    EXPECT_EQ(base::to_milliseconds(parsed->blocks[1].time), base::to_milliseconds(kStart) + 40);
    rest = rest.subspan(parsed->size);
  }
  EXPECT_TRUE(rest.empty());
}

// What kvssink sent: unknown-size Segment and Clusters, 250 frames.
TEST(MatroskaParser, ReadsWhatAProducerSends) {
  const Bytes bytes = test_media::read_file(TIDEGATE_SOURCE_DIR "/tests/vectors/kvssink-putmedia-body.mkv");
  const auto parsed = parse_matroska(bytes);
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->tracks.size(), 1u);
  EXPECT_EQ(parsed->tracks[0].codec_id, kCodecAvc);
  EXPECT_FALSE(parsed->tracks[0].codec_private.empty());
  EXPECT_EQ(parsed->blocks.size(), 250u);
  EXPECT_TRUE(parsed->blocks[0].key_frame);
}

TEST(MatroskaTags, AreThoseOfTheContract) {
  const auto tags = write_fragment_tags({.fragment_number = "91343852333000000000000000000000000000000000042",
                                         .server_time = base::WallTime(microseconds(1'511'852'109'126'999)),
                                         .producer_time = base::WallTime{}});
  EXPECT_EQ(tags.size() > 12, true);
  const std::string text(base::as_text(tags));
  EXPECT_NE(text.find("AWS_KINESISVIDEO_SERVER_TIMESTAMP"), std::string::npos);
  EXPECT_NE(text.find("1511852109.126"), std::string::npos);
  EXPECT_NE(text.find("0.000"), std::string::npos);
  EXPECT_EQ(base::to_hex(ByteView(tags).first(4)), "1254c367");
}

TEST(Ffprobe, ReadsAStoredFragment) {
  if (!test_media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Scratch scratch;
  const auto video = test_media::make_video(scratch, 50, 25, 0);
  ASSERT_EQ(video.units.size(), 50u);
  MatroskaFragmentWriter writer(kStart);
  for (std::size_t i = 0; i < video.units.size(); ++i) {
    ASSERT_TRUE(writer.add(
        {1, video.units[i].key_frame, kStart + microseconds(40'000 * i), static_cast<std::int64_t>(3600 * i)},
        video.units[i].payload));
  }
  const Track tracks[] = {make_avc_track(1, video.avcc, 160, 96), make_opus_track(2, "quiet")};
  const std::string file = scratch.write("fragment.mkv", writer.finish(tracks, kStart + std::chrono::seconds(2)));
  const std::string seen =
      run("ffprobe -v error -count_frames -show_entries stream=codec_name,width,height,nb_read_frames:"
          "format=duration,start_time:format_tags=title -of compact " +
          file + " 2>&1");
  EXPECT_NE(seen.find("stream|codec_name=h264|width=160|height=96|nb_read_frames=50"), std::string::npos) << seen;
  EXPECT_NE(seen.find("stream|codec_name=opus"), std::string::npos) << seen;
  EXPECT_NE(seen.find("start_time=1795000000.123000"), std::string::npos) << seen;
  EXPECT_NE(seen.find("tag:title=Tidegate"), std::string::npos) << seen;
  EXPECT_EQ(run("ffmpeg -v error -xerror -i " + file + " -map 0:v -f null - 2>&1"), "");
}

// Presentation times of H.264 with B-frames as ffprobe sees them, and the decoded pictures.
TEST(Ffprobe, ReadsAFragmentedMp4) {
  if (!test_media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Scratch scratch;
  const auto video = test_media::make_video(scratch, 50, 25, 2);
  ASSERT_EQ(video.units.size(), 50u);
  const std::string presentation = run("ffprobe -v error -show_entries frame=coded_picture_number -of csv=p=0 " +
                                       (scratch / "made.h264") + " 2>/dev/null");
  // Display position of each decoded picture, by ffmpeg's own reordering.
  std::vector<int> display(video.units.size());
  std::istringstream lines(presentation);
  int position = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) display[static_cast<std::size_t>(std::stoi(line))] = position++;
  }
  ASSERT_EQ(position, 50);

  const Track track = make_avc_track(1, video.avcc, 160, 96);
  Bytes movie = write_mp4_init(track, kVideoTimescale);
  const std::uint64_t base_time = 161'550'000'000'000;
  for (std::size_t half : {0u, 25u}) {
    std::vector<Mp4Sample> samples;
    for (std::size_t i = half; i < half + 25; ++i) {
      samples.push_back(
          {3600, (display[i] - static_cast<int>(i)) * 3600, video.units[i].key_frame, video.units[i].payload});
    }
    base::append(movie, write_mp4_segment(1, static_cast<std::uint32_t>(half), base_time + half * 3600, samples));
  }
  const std::string file = scratch.write("movie.mp4", movie);
  std::string expected;
  // ffmpeg moves everything later by the largest negative offset, so that nothing is shown before it is decoded.
  const std::uint64_t shift = 3600;
  for (std::uint64_t i = 0; i < 50; ++i) expected += std::to_string(base_time + shift + 3600 * i) + "\n";
  EXPECT_EQ(run("ffprobe -v error -show_entries frame=pts -of csv=p=0 " + file + " 2>&1 | tr -d , | grep . | sort -n"),
            expected);
  EXPECT_EQ(run("ffmpeg -v error -xerror -i " + file + " -f null - 2>&1"), "");
  const std::string pictures = " -map 0:v -fps_mode passthrough -f rawvideo - 2>/dev/null | md5sum";
  EXPECT_EQ(run("ffmpeg -v error -i " + file + pictures),
            run("ffmpeg -v error -i " + (scratch / "made.h264") + pictures));
}

TEST(Ffprobe, ReadsTheGetMediaLayout) {
  if (!test_media::has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  const Scratch scratch;
  const auto video = test_media::make_video(scratch, 25, 25, 0);
  run("ffmpeg -v error -y -f lavfi -i sine=440:sample_rate=48000 -t 1 -c:a aac -ac 2 -f adts " + (scratch / "a.aac"));
  const Bytes adts = scratch.read("a.aac");
  std::vector<DocumentFrame> frames;
  for (std::size_t i = 0; i < video.units.size(); ++i) {
    frames.push_back({1, video.units[i].key_frame, kStart + microseconds(40'000 * i), video.units[i].payload});
  }
  int count = 0;
  for (std::size_t at = 0; at + 7 < adts.size(); ++count) {
    const std::size_t size = ((adts[at + 3] & 3U) << 11) | (std::size_t{adts[at + 4]} << 3) | (adts[at + 5] >> 5U);
    frames.push_back(
        {2, true, kStart + microseconds(count * 1'024'000'000LL / 48'000), ByteView(adts).subspan(at + 7, size - 7)});
    at += size;
  }
  std::ranges::sort(frames, {}, &DocumentFrame::time);
  const Track tracks[] = {make_avc_track(1, video.avcc, 160, 96), make_aac_track(2, Bytes{0x11, 0x90}, 48'000, 2)};
  const std::string file = scratch.write(
      "media.mkv", write_get_media_document(tracks, kStart, frames, write_fragment_tags({.fragment_number = "1"}),
                                            write_continuation_tags("1", 0)));
  EXPECT_EQ(run("ffmpeg -v error -xerror -i " + file + " -map 0:v -map 0:a -f null - 2>&1"), "");
  const std::string seen = run(
      "ffprobe -v error -count_packets -show_entries stream=codec_name,nb_read_packets -of csv=p=0 " + file + " 2>&1");
  EXPECT_EQ(seen, "h264,25\naac," + std::to_string(count) + "\n");
}

TEST(HlsPlaylist, MasterWithAudio) {
  EXPECT_EQ(write_hls_master({.codecs = "avc1.42E01F,mp4a.40.2",
                              .width = 1280,
                              .height = 720,
                              .frame_rate = 15,
                              .bandwidth = 1953544,
                              .video_uri = "v.m3u8",
                              .audio_uri = "a.m3u8"}),
            "#EXTM3U\n#EXT-X-VERSION:7\n"
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI="
            "\"a.m3u8\"\n"
            "#EXT-X-STREAM-INF:CODECS=\"avc1.42E01F,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=15.000,BANDWIDTH="
            "1953544,AUDIO=\"audio\"\n"
            "v.m3u8\n");
}

TEST(HlsPlaylist, MediaWithDiscontinuitiesAndMaps) {
  HlsMediaPlaylist playlist{.on_demand = true, .ended = true, .media_sequence = 4, .discontinuity_sequence = 2};
  playlist.segments.push_back(
      {.uri = "s1", .map_uri = "m1", .duration = microseconds(2'663'001), .program_date_time = kStart});
  playlist.segments.push_back({.uri = "s2", .map_uri = "m1", .duration = microseconds(3'200'000)});
  playlist.segments.push_back({.uri = "s3", .map_uri = "m2", .duration = microseconds(40'000), .discontinuities = 2});
  EXPECT_EQ(
      write_hls_media(playlist),
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:4\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"m1\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.123Z\n#EXTINF:2.663001,\ns1\n#EXTINF:3.200000,\ns2\n"
      "#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"m2\"\n#EXTINF:0.040000,\ns3\n#EXT-X-ENDLIST\n");
}

TEST(HlsPlaylist, LowLatency) {
  HlsMediaPlaylist playlist{.media_sequence = 4, .target_duration = microseconds(2'200'000)};
  playlist.segments.push_back({.uri = "s4", .map_uri = "m", .duration = microseconds(2'000'000)});
  playlist.segments.push_back({.uri = "lost", .map_uri = "m", .duration = microseconds(1'000'000), .gap = true});
  playlist.segments.push_back({.uri = "s6",
                               .map_uri = "m",
                               .duration = microseconds(480'000),
                               .parts = {{"s6p0", microseconds(240'000), true}, {"s6p1", microseconds(240'000)}}});
  playlist.segments.push_back({.uri = "", .map_uri = "m", .parts = {{"s7p0", microseconds(240'000), true}}});
  playlist.low_latency = HlsLowLatency{
      .part_target = microseconds(252'000), .preload_hint = "s7p1", .reports = {{"audio", 7, 0}, {"text", 6}}};
  const std::string head =
      "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n"
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,HOLD-BACK=6,PART-HOLD-BACK=0.756000\n"
      "#EXT-X-PART-INF:PART-TARGET=0.252000\n#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-INDEPENDENT-SEGMENTS\n";
  const std::string end =
      "#EXT-X-PART:DURATION=0.240000,URI=\"s6p0\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.240000,URI=\"s6p1\"\n"
      "#EXTINF:0.480000,\ns6\n#EXT-X-PART:DURATION=0.240000,URI=\"s7p0\",INDEPENDENT=YES\n"
      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"s7p1\"\n"
      "#EXT-X-RENDITION-REPORT:URI=\"audio\",LAST-MSN=7,LAST-PART=0\n"
      "#EXT-X-RENDITION-REPORT:URI=\"text\",LAST-MSN=6\n";
  EXPECT_EQ(write_hls_media(playlist), head +
                                           "#EXT-X-MAP:URI=\"m\"\n#EXTINF:2.000000,\ns4\n#EXT-X-GAP\n"
                                           "#EXTINF:1.000000,\nlost\n" +
                                           end);
  playlist.low_latency->skipped = 2;
  EXPECT_EQ(write_hls_media(playlist), head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXT-X-MAP:URI=\"m\"\n" + end);
}

}  // namespace
}  // namespace container
