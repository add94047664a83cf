// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "codecs/annex_b_reader.hpp"
#include "codecs/bit_reader.hpp"
#include "codecs/h264_nal.hpp"
#include "codecs/h264_parameter_sets.hpp"
#include "codecs/h264_recovery_point.hpp"
#include "codecs/h264_slice.hpp"
#include "codecs/h264_sps.hpp"

namespace codecs::h264 {
namespace {

base::Bytes hex(std::string_view text) {
  return base::parse_hex(text).value();
}

base::Bytes read_vector(const std::string& name) {
  std::ifstream file(std::string(TIDEGATE_SOURCE_DIR) + "/tests/vectors/h264/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(BitReader, ReadsExpGolombAcrossEmulationPrevention) {
  // 9.1: 1 -> 0, 010 -> 1, 011 -> 2, 00100 -> 3; se maps 1, 2, 3 to 1, -1, 2.
  const base::Bytes codes = hex("a6");  // 1 010 011 0
  BitReader unsigned_codes(codes);
  EXPECT_EQ(unsigned_codes.ue(), 0U);
  EXPECT_EQ(unsigned_codes.ue(), 1U);
  EXPECT_EQ(unsigned_codes.ue(), 2U);
  BitReader signed_codes(codes);
  EXPECT_EQ(signed_codes.se(), 0);
  EXPECT_EQ(signed_codes.se(), 1);
  EXPECT_EQ(signed_codes.se(), -1);

  const base::Bytes escaped = hex("000003000003010000");
  BitReader bits(escaped);
  EXPECT_EQ(bits.bits(32), 0U);
  EXPECT_EQ(bits.bits(8), 1U);
  EXPECT_EQ(bits.bits(16), 0U);
  EXPECT_TRUE(bits.ok());
  bits.bits(1);
  EXPECT_FALSE(bits.ok());
}

TEST(BitReader, RefusesACodeOfMoreThan32Bits) {
  const base::Bytes zeros(16, 0);
  BitReader bits(zeros, BitReader::Escapes::None);
  EXPECT_EQ(bits.ue(), 0U);
  EXPECT_FALSE(bits.ok());
  const base::Bytes largest = hex("00000001fffffffe");
  BitReader edge(largest, BitReader::Escapes::None);
  EXPECT_EQ(edge.ue(), 0xfffffffeU);
  BitReader signed_edge(largest, BitReader::Escapes::None);
  EXPECT_EQ(signed_edge.se(), -2147483647);
}

struct SpsCase {
  const char* name;
  const char* nal;
  std::uint32_t width, height, coded_height;
  std::uint8_t profile, level, chroma, depth;
  bool progressive;
  const char* codec;
};

// Parameter sets written by x264, OpenH264 and hand; sizes as ffprobe gives them.
constexpr SpsCase kSpsCases[] = {
    {"x264 baseline 320x240", "6742c00dd90141fb011000000300100000030320f142a480", 320, 240, 240, 66, 13, 1, 8, true,
     "avc1.42C00D"},
    {"x264 main 720p", "674d401feca02802dd80880000030008000003019078c18cb0", 1280, 720, 720, 77, 31, 1, 8, true,
     "avc1.4D401F"},
    {"x264 high 1080p, cropped", "67640028acd940780227e5c384000003000400000300c83c60c658", 1920, 1080, 1088, 100, 40, 1,
     8, true, "avc1.640028"},
    {"x264 high 1080i", "67640028acd94078044fde0220000003002000000643e2c5b2c0", 1920, 1080, 1088, 100, 40, 1, 8, false,
     "avc1.640028"},
    {"x264 high 4:2:2 10 bit 722x578", "677a001fb6cd940b812f888fc044000003000400000300c83c60c658", 722, 578, 592, 122,
     31, 2, 10, true, "avc1.7A001F"},
    {"x264 tiny high", "6764000aacd94626c044000003000400000300c83c489658", 96, 64, 64, 100, 10, 1, 8, true,
     "avc1.64000A"},
};

TEST(Sps, SizesProfilesAndLevels) {
  for (const SpsCase& test : kSpsCases) {
    SCOPED_TRACE(test.name);
    const auto sps = parse_sps(hex(test.nal));
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->width, test.width);
    EXPECT_EQ(sps->height, test.height);
    EXPECT_EQ(sps->coded_height, test.coded_height);
    EXPECT_EQ(sps->profile_idc, test.profile);
    EXPECT_EQ(sps->level_idc, test.level);
    EXPECT_EQ(sps->chroma_format_idc, test.chroma);
    EXPECT_EQ(sps->bit_depth_luma, test.depth);
    EXPECT_EQ(sps->frame_mbs_only, test.progressive);
    EXPECT_EQ(codec_string(*sps), test.codec);
  }
}

TEST(Sps, AspectAndTimingComeFromTheVui) {
  const auto sps = parse_sps(hex(kSpsCases[2].nal));
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->sample_aspect_width, 4);
  EXPECT_EQ(sps->sample_aspect_height, 3);
  ASSERT_NE(sps->num_units_in_tick, 0U);
  EXPECT_EQ(sps->time_scale / sps->num_units_in_tick, 50U);  // 25 frames, two fields each
}

TEST(Sps, ATruncatedVuiLeavesTheSize) {
  const base::Bytes whole = hex(kSpsCases[1].nal);
  const auto sps = parse_sps(base::ByteView(whole).first(10));
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->width, 1280U);
  EXPECT_EQ(sps->height, 720U);
  EXPECT_EQ(sps->time_scale, 0U);
}

TEST(Sps, RefusesTruncationAndNonsense) {
  const base::Bytes whole = hex(kSpsCases[2].nal);
  for (std::size_t size = 0; size < 8; ++size) EXPECT_FALSE(parse_sps(base::ByteView(whole).first(size))) << size;
  EXPECT_FALSE(parse_sps(hex("68ebe3cb22c0")));            // a PPS
  EXPECT_FALSE(parse_sps(hex("6742c00d00000000000001")));  // an endless code
  EXPECT_FALSE(parse_sps(hex("6742c01ffff13fff")));        // 16x16, cropped to nothing
}

TEST(Pps, ReadsWhatSliceHeadersNeed) {
  const auto cavlc = parse_pps(hex("68cb83cb20"));
  ASSERT_TRUE(cavlc);
  EXPECT_EQ(cavlc->id, 0);
  EXPECT_EQ(cavlc->sps_id, 0);
  EXPECT_FALSE(cavlc->entropy_coding);
  const auto cabac = parse_pps(hex("68ebe3cb22c0"));
  ASSERT_TRUE(cabac);
  EXPECT_TRUE(cabac->entropy_coding);
  EXPECT_FALSE(cabac->redundant_pic_cnt_present);
  EXPECT_FALSE(parse_pps(hex("68")));
  EXPECT_FALSE(parse_pps(hex("6742c01f")));
}

TEST(Nal, SplitsStartCodesOfBothLengthsAndTrailingZeros) {
  const base::Bytes stream =
      hex("ffff"
          "00000001"
          "09f0"
          "000001"
          "6742"
          "0000000001"
          "6880"
          "000001"
          "65aa00"
          "0000");
  const auto nals = split_annex_b(stream);
  ASSERT_EQ(nals.size(), 4U);
  EXPECT_EQ(base::to_hex(nals[0]), "09f0");
  EXPECT_EQ(base::to_hex(nals[1]), "6742");
  EXPECT_EQ(base::to_hex(nals[2]), "6880");
  EXPECT_EQ(base::to_hex(nals[3]), "65aa");
  EXPECT_TRUE(split_annex_b(hex("000000")).empty());
  EXPECT_TRUE(split_annex_b(hex("000001")).empty());
  EXPECT_TRUE(split_annex_b({}).empty());
  EXPECT_EQ(base::to_hex(from_annex_b(stream)),
            "0000000209f000000002674200000002688000000002"
            "65aa");
  EXPECT_EQ(base::to_hex(to_annex_b(from_annex_b(stream))),
            "0000000109f000000001674200000001688000000001"
            "65aa");
}

TEST(Nal, ReaderStopsAtALengthPastTheEnd) {
  const base::Bytes unit =
      hex("00000001"
          "65"
          "00000000"
          "00000009"
          "41");
  NalReader reader(unit);
  ASSERT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.ok());
  EXPECT_TRUE(has_idr(unit));
  EXPECT_FALSE(
      has_idr(hex("00000001"
                  "41")));
  EXPECT_EQ(base::to_hex(find_nal(unit, NalType::Idr)), "65");
}

// Golden record of ffmpeg's MP4 muxer for the 1080p stream above.
TEST(RecoveryPoint, IsFoundAmongOtherMessages) {
  const auto count_in = [](std::string_view nal) {
    base::Bytes unit;
    append_nal(unit, hex("09f0"));
    append_nal(unit, hex(nal));
    append_nal(unit, hex("419a"));
    return recovery_frame_count(unit);
  };
  EXPECT_EQ(count_in("06060209c480"), 18U);             // x264 --intra-refresh, 20 macroblocks wide: ue 00001 0011
  EXPECT_EQ(count_in("060601c480"), 0U);                // x264 --open-gop: ue 1
  EXPECT_EQ(count_in("060502aabb060209c480"), 18U);     // behind user data
  EXPECT_EQ(count_in("06ff05000601c480"), 0U);          // behind a message of type 260
  EXPECT_EQ(count_in("06050400000300ff0601c480"), 0U);  // emulation prevention inside the message before
  EXPECT_FALSE(count_in("060502aabb80"));
  EXPECT_FALSE(count_in("06"));
  EXPECT_FALSE(count_in("0606"));
  EXPECT_FALSE(count_in("0605ff"));
  EXPECT_FALSE(count_in("060605000080010080"));  // ue of 65536 and more
  EXPECT_FALSE(count_in("41060209c480"));        // not an SEI NAL unit
  EXPECT_FALSE(recovery_frame_count(base::Bytes{}));
  base::Bytes endless;
  append_nal(endless, base::Bytes(60'000, 0xff));
  endless[4] = 6;
  EXPECT_FALSE(recovery_frame_count(endless));
}

TEST(Avcc, WritesAndParsesTheRecord) {
  const base::Bytes sps = hex(kSpsCases[2].nal);
  const base::Bytes pps = hex("68ebe3cb22c0");
  const base::Bytes record = make_avcc({sps}, {pps});
  EXPECT_EQ(base::to_hex(record),
            "01640028ffe1001b67640028acd940780227e5c384000003000400000300c83c60c658010006"
            "68ebe3cb22c0fdf8f800");
  const auto parsed = parse_avcc(record);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->length_size, 4);
  EXPECT_EQ(parsed->sps, std::vector<base::Bytes>(1, sps));
  EXPECT_EQ(parsed->pps, std::vector<base::Bytes>(1, pps));
  EXPECT_EQ(codec_string_of_avcc(record), "avc1.640028");
  for (std::size_t size = 0; size < 40; ++size) {
    EXPECT_FALSE(parse_avcc(base::ByteView(record).first(size))) << size;
  }
  EXPECT_TRUE(make_avcc({}, {pps}).empty());
  EXPECT_TRUE(make_avcc({pps}, {pps}).empty());
  const base::Bytes baseline = make_avcc({hex(kSpsCases[0].nal)}, {hex("68cb83cb20")});
  EXPECT_EQ(baseline.size(), 8U + 24U + 3U + 5U);  // no chroma fields below High
}

TEST(ParameterSets, SeesChangesAndOnlyChanges) {
  const base::Bytes first = hex(kSpsCases[0].nal);
  const base::Bytes second = hex(kSpsCases[1].nal);
  const base::Bytes pps = hex("68cb83cb20");
  base::Bytes unit;
  append_nal(unit, first);
  append_nal(unit, pps);
  ParameterSets sets;
  EXPECT_FALSE(sets.complete());
  EXPECT_TRUE(sets.avcc().empty());
  auto change = sets.observe(unit);
  EXPECT_TRUE(change.sps_changed);
  EXPECT_TRUE(change.pps_changed);
  change = sets.observe(unit);
  EXPECT_FALSE(change.sps_changed);
  EXPECT_FALSE(change.pps_changed);
  EXPECT_EQ(sets.active_sps()->width, 320U);
  EXPECT_TRUE(sets.add(second).sps_changed);  // same id, another size
  EXPECT_EQ(sets.active_sps()->width, 1280U);
  EXPECT_EQ(codec_string_of_avcc(sets.avcc()), "avc1.4D401F");
}

TEST(ParameterSets, ComeFromTheSessionDescription) {
  ParameterSets sets;
  sets.add_sprop("not base64!,,Z0LADdkBQfsBEAAAAwAQAAADAyDxQqSA,aMuDyyA=");
  EXPECT_TRUE(sets.complete());
  EXPECT_EQ(sets.active_sps()->height, 240U);
}

struct StreamCase {
  const char* file;
  std::vector<std::size_t> sizes;  // of the access units, as ffprobe's parser cuts the file
  std::size_t key_interval;
};

std::vector<StreamCase> stream_cases() {
  return {{"high_aud_4slices_bframes.h264",
           {1464, 58, 49, 51, 83, 57, 51, 73, 820, 56, 49, 51, 85, 56, 51, 77, 826, 57, 49, 51, 85, 58, 52, 71},
           8},
          {"baseline_3slices.h264",
           {1336, 29, 38, 29, 42, 32, 35, 34, 769, 29, 38, 33, 33, 30, 41, 33, 772, 30, 38, 30, 36, 37, 36, 36},
           8},
          {"high_interlaced_2slices.h264", {1330, 48, 31, 32, 683, 46, 31, 32, 686, 45, 31, 32}, 4}};
}

TEST(AnnexBReader, CutsWhereAnIndependentParserCuts) {
  for (const StreamCase& test : stream_cases()) {
    SCOPED_TRACE(test.file);
    const base::Bytes stream = read_vector(test.file);
    AnnexBReader reader(stream);
    for (int pass = 0; pass < 2; ++pass, reader.rewind()) {
      std::size_t total = 0;
      for (std::size_t i = 0; i < test.sizes.size(); ++i) {
        const auto frame = reader.next();
        ASSERT_TRUE(frame) << i;
        std::size_t nals = 0;
        std::size_t bytes = 0;
        EXPECT_TRUE(for_each_nal(frame->payload, [&](base::ByteView nal) { ++nals, bytes += nal.size(); }));
        EXPECT_GE(test.sizes[i], bytes + 3 * nals) << i;
        EXPECT_LE(test.sizes[i], bytes + 4 * nals) << i;
        EXPECT_EQ(frame->key_frame, i % test.key_interval == 0) << i;
        total += nals;
      }
      EXPECT_FALSE(reader.next());
      EXPECT_EQ(total, split_annex_b(stream).size());
    }
  }
}

TEST(AnnexBReader, KeepsEveryNalBitForBit) {
  const base::Bytes stream = read_vector("high_aud_4slices_bframes.h264");
  AnnexBReader reader(stream);
  base::Bytes joined;
  while (auto frame = reader.next()) base::append(joined, frame->payload);
  EXPECT_EQ(joined, from_annex_b(stream));
}

TEST(PictureBoundary, TellsPicturesApartWithoutFirstMacroblockZero) {
  // The first slice of each picture is dropped, so that no slice has first_mb_in_slice 0: frame_num and picture order
  // still tell where a picture begins.
  const base::Bytes stream = read_vector("baseline_3slices.h264");
  AnnexBReader whole(stream);
  base::Bytes damaged;
  std::size_t pictures = 0;
  while (auto frame = whole.next()) {
    ++pictures;
    base::Bytes kept;
    for_each_nal(frame->payload, [&](base::ByteView nal) {
      if (parse_first_mb_in_slice(nal) != 0U) append_nal(kept, nal);
    });
    base::append(damaged, to_annex_b(kept));
  }
  AnnexBReader reader(damaged);
  std::size_t found = 0;
  while (reader.next()) ++found;
  EXPECT_EQ(found, pictures);
}

TEST(PictureBoundary, FallsBackToFirstMacroblockWithoutParameterSets) {
  PictureBoundary boundary;
  EXPECT_FALSE(boundary.begins_access_unit(hex("6588")));    // first_mb 0
  EXPECT_FALSE(boundary.begins_access_unit(hex("654280")));  // first_mb 1
  EXPECT_TRUE(boundary.begins_access_unit(hex("4188")));
  EXPECT_TRUE(boundary.begins_access_unit(hex("09f0")));
  EXPECT_FALSE(boundary.begins_access_unit(hex("4188")));
}

}  // namespace
}  // namespace codecs::h264
