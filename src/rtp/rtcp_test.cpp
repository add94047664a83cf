// SPDX-License-Identifier: Apache-2.0
#include "rtp/rtcp.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.hpp"

namespace rtp {
namespace {

base::Bytes rtcp_hex(std::string_view text) {
  return base::parse_hex(text).value();
}

struct RtcpGolden {
  const char* name;
  const char* bytes;
  RtcpPacket packet;
};

// Bytes written out by hand from the figures of RFC 3550 6.4, 6.5, 6.6, RFC 4585 6.2, 6.3, RFC 5104 4.3.1 and the two
// drafts.
std::vector<RtcpGolden> rtcp_goldens() {
  const ReportBlock block{0x11223344, 64, -2, 0x0001fffe, 0x55, 0x66778899, 0x00010000};
  return {
      {"SR",
       "80c80006"
       "00000001"
       "dcba9876"
       "80000000"
       "00015f90"
       "00000064"
       "00002710",
       SenderReport{1, 0xdcba987680000000, 90000, 100, 10000, {}}},
      {"SR with a block",
       "81c8000c"
       "00000001"
       "dcba9876"
       "80000000"
       "00015f90"
       "00000064"
       "00002710"
       "11223344"
       "40fffffe"
       "0001fffe"
       "00000055"
       "66778899"
       "00010000",
       SenderReport{1, 0xdcba987680000000, 90000, 100, 10000, {block}}},
      {"empty RR",
       "80c90001"
       "0000002a",
       ReceiverReport{42, {}}},
      {"RR with two blocks",
       "82c9000d"
       "0000002a"
       "11223344"
       "40fffffe"
       "0001fffe"
       "00000055"
       "66778899"
       "00010000"
       "11223344"
       "40fffffe"
       "0001fffe"
       "00000055"
       "66778899"
       "00010000",
       ReceiverReport{42, {block, block}}},
      {"SDES, text that leaves three bytes",
       "81ca0003"
       "00000001"
       "01036162"
       "63000000",
       SourceDescription{1, "abc"}},
      {"SDES, text that leaves none",
       "81ca0003"
       "00000001"
       "01026162"
       "00000000",
       SourceDescription{1, "ab"}},
      {"BYE",
       "82cb0002"
       "00000001"
       "00000002",
       Goodbye{{1, 2}}},
      {"NACK of one",
       "81cd0003"
       "00000001"
       "00000002"
       "00070000",
       Nack{1, 2, {7}}},
      {"NACK across the wrap, and one beyond the mask",
       "81cd0004"
       "00000001"
       "00000002"
       "fffe8003"
       "000f0000",
       Nack{1, 2, {65534, 65535, 0, 14, 15}}},
      {"PLI",
       "81ce0002"
       "00000001"
       "00000002",
       PictureLossIndication{1, 2}},
      {"FIR",
       "84ce0004"
       "00000001"
       "00000000"
       "00000002"
       "09000000",
       FullIntraRequest{1, 2, 9}},
      // 3,000,000 = 187,500 * 2^4.
      {"REMB",
       "8fce0006"
       "00000001"
       "00000000"
       "52454d42"
       "0212dc6c"
       "00000002"
       "00000003",
       ReceiverEstimatedBitrate{1, 3'000'000, {2, 3}}},
  };
}

TEST(Rtcp, GoldenBytesBothWays) {
  for (const RtcpGolden& golden : rtcp_goldens()) {
    SCOPED_TRACE(golden.name);
    base::Bytes written;
    write_rtcp(written, golden.packet);
    EXPECT_EQ(base::to_hex(written), golden.bytes);
    std::vector<RtcpPacket> parsed;
    EXPECT_TRUE(parse_rtcp(rtcp_hex(golden.bytes), parsed));
    ASSERT_EQ(parsed.size(), 1U);
    EXPECT_EQ(parsed[0], golden.packet);
  }
}

TEST(Rtcp, ATruncatedPacketIsRefusedAtEveryByte) {
  for (const RtcpGolden& golden : rtcp_goldens()) {
    SCOPED_TRACE(golden.name);
    const base::Bytes whole = rtcp_hex(golden.bytes);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::vector<RtcpPacket> parsed;
      EXPECT_FALSE(parse_rtcp(base::ByteView(whole).first(size), parsed)) << size;
    }
    // The same with the length field made to fit: the body is what is too short.
    for (std::size_t size = 4; size < whole.size(); size += 4) {
      base::Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      cut[3] = static_cast<std::uint8_t>(size / 4 - 1);
      std::vector<RtcpPacket> parsed;
      // Some shorter bodies are valid ones (a NACK of fewer entries); none may be taken for the whole packet.
      if (parse_rtcp(cut, parsed)) EXPECT_NE(parsed, std::vector{golden.packet}) << size;
    }
  }
}

TEST(Rtcp, CompoundWithUnknownPacketsAndPadding) {
  base::Bytes compound = rtcp_hex(
      "80c90001"
      "0000002a");
  base::append(compound, rtcp_hex("80cf0001"
                                  "00000001"));  // XR: skipped
  base::append(compound, rtcp_hex("82ce0003"
                                  "00000001"
                                  "00000002"
                                  "00000000"));  // SLI: skipped
  base::append(compound, rtcp_hex("8fce0003"
                                  "00000001"
                                  "00000002"
                                  "41424344"));  // another application's feedback
  base::append(compound, rtcp_hex("a1ce0003"
                                  "00000001"
                                  "00000002"
                                  "00000004"));  // PLI with padding
  std::vector<RtcpPacket> parsed;
  EXPECT_TRUE(parse_rtcp(compound, parsed));
  ASSERT_EQ(parsed.size(), 2U);
  EXPECT_EQ(parsed[1], RtcpPacket(PictureLossIndication{1, 2}));

  compound.push_back(0x80);
  parsed.clear();
  EXPECT_FALSE(parse_rtcp(compound, parsed));
  EXPECT_EQ(parsed.size(), 2U);  // what came before the damage counts
}

TEST(Rtcp, SourceDescriptionWithOtherItemsAndChunks) {
  // NAME before CNAME in one chunk, nothing in the next.
  std::vector<RtcpPacket> parsed;
  EXPECT_TRUE(parse_rtcp(rtcp_hex("82ca0005"
                                  "00000001"
                                  "02016e01"
                                  "01630000"
                                  "00000002"
                                  "00000000"),
                         parsed));
  ASSERT_EQ(parsed.size(), 2U);
  EXPECT_EQ(parsed[0], RtcpPacket(SourceDescription{1, "c"}));
  EXPECT_EQ(parsed[1], RtcpPacket(SourceDescription{2, ""}));
  EXPECT_FALSE(parse_rtcp(rtcp_hex("81ca0002"
                                   "00000001"
                                   "01ff6162"),
                          parsed));
}

TEST(Rtcp, LargeBitratesKeepTheirSize) {
  for (const std::uint64_t rate : {0ULL, 1ULL, 262'143ULL, 262'144ULL, 2'500'000ULL, 10'000'000'000ULL}) {
    base::Bytes bytes;
    write_rtcp(bytes, ReceiverEstimatedBitrate{1, rate, {}});
    std::vector<RtcpPacket> parsed;
    ASSERT_TRUE(parse_rtcp(bytes, parsed));
    const std::uint64_t read = std::get<ReceiverEstimatedBitrate>(parsed[0]).bits_per_second;
    EXPECT_LE(read, rate);
    EXPECT_GE(read + read / 100'000 + (rate < 262'144 ? 0 : 1), rate);
  }
  std::vector<RtcpPacket> parsed;
  EXPECT_FALSE(parse_rtcp(rtcp_hex("8fce0004"
                                   "00000001"
                                   "00000000"
                                   "52454d42"
                                   "00ffffff"),
                          parsed));
}

std::vector<std::optional<std::int16_t>> deltas_of(std::initializer_list<int> values) {
  std::vector<std::optional<std::int16_t>> deltas;
  for (const int value : values) {
    deltas.push_back(value == -1 ? std::nullopt : std::optional(static_cast<std::int16_t>(value)));
  }
  return deltas;
}

TEST(TransportFeedback, GoldenRunLength) {
  // Five packets, 0.25 ms apart; padding of one byte.
  const TransportFeedback feedback{1, 2, 0x1234, 5, 7, deltas_of({0, 1, 1, 1, 1})};
  base::Bytes bytes;
  write_rtcp(bytes, feedback);
  EXPECT_EQ(base::to_hex(bytes),
            "afcd0006"
            "00000001"
            "00000002"
            "12340005"
            "00000507"
            "2005"
            "0001010101"
            "01");
  std::vector<RtcpPacket> parsed;
  ASSERT_TRUE(parse_rtcp(bytes, parsed));
  EXPECT_EQ(parsed[0], RtcpPacket(feedback));
}

TEST(TransportFeedback, GoldenStatusVectors) {
  // One-bit symbols: came, lost, came (then unused). A negative reference time.
  const TransportFeedback narrow{1, 2, 0, -2, 0, deltas_of({4, -1, 255})};
  base::Bytes bytes;
  write_rtcp(bytes, narrow);
  EXPECT_EQ(base::to_hex(bytes),
            "8fcd0005"
            "00000001"
            "00000002"
            "00000003"
            "fffffe00"
            "a800"
            "04ff");
  // Two-bit symbols: came, late by 64 ms, lost, came before the one before.
  const TransportFeedback wide{1, 2, 65535, 0, 255, deltas_of({4, 256, -1, -3})};
  bytes.clear();
  write_rtcp(bytes, wide);
  EXPECT_EQ(base::to_hex(bytes),
            "afcd0006"
            "00000001"
            "00000002"
            "ffff0004"
            "000000ff"
            "d880"
            "04"
            "0100"
            "fffd"
            "01");
  std::vector<RtcpPacket> parsed;
  ASSERT_TRUE(parse_rtcp(bytes, parsed));
  EXPECT_EQ(parsed[0], RtcpPacket(wide));
}

// The four chunks of section 3.1.3 and 3.1.4 of the draft.
TEST(TransportFeedback, ChunksOfTheDraft) {
  const auto parse_chunk = [](std::string_view count, std::string_view chunk, std::size_t delta_bytes) {
    base::Bytes bytes = rtcp_hex(
        "8fcd0000"
        "00000001"
        "00000002"
        "0000" +
        std::string(count) + "00000000" + std::string(chunk));
    bytes.resize((bytes.size() + delta_bytes + 3) / 4 * 4);
    bytes[3] = static_cast<std::uint8_t>(bytes.size() / 4 - 1);
    std::vector<RtcpPacket> parsed;
    EXPECT_TRUE(parse_rtcp(bytes, parsed));
    return std::get<TransportFeedback>(parsed.at(0)).deltas;
  };
  const auto lost = parse_chunk("00dd", "00dd", 0);
  EXPECT_EQ(lost.size(), 221U);
  EXPECT_TRUE(std::ranges::none_of(lost, [](auto delta) { return delta.has_value(); }));
  EXPECT_EQ(parse_chunk("0018", "6018", 0).size(), 24U);
  EXPECT_EQ(parse_chunk("000e", "9f1c", 8), deltas_of({-1, 0, 0, 0, 0, 0, -1, -1, -1, 0, 0, 0, -1, -1}));
  EXPECT_EQ(parse_chunk("0007", "cd50", 3), deltas_of({-1, -1, 0, 0, 0, -1, -1}));
}

TEST(TransportFeedback, RoundTripOfRandomArrivals) {
  base::SeededRandom random(7);
  for (unsigned round = 0; round < 200; ++round) {
    TransportFeedback feedback{1, 2, random.u16(), static_cast<std::int32_t>(random.below(1 << 20)), 0, {}};
    const std::size_t count = 1 + random.below(400);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t kind = random.below(round % 7 + 2);
      if (kind == 0) feedback.deltas.emplace_back();
      if (kind == 1) feedback.deltas.emplace_back(static_cast<std::int16_t>(random.u16()));
      if (kind > 1) feedback.deltas.emplace_back(static_cast<std::int16_t>(random.below(256)));
    }
    base::Bytes bytes;
    write_rtcp(bytes, feedback);
    EXPECT_EQ(bytes.size() % 4, 0U);
    std::vector<RtcpPacket> parsed;
    ASSERT_TRUE(parse_rtcp(bytes, parsed)) << round;
    EXPECT_EQ(parsed[0], RtcpPacket(feedback)) << round;
  }
}

TEST(TransportFeedback, RefusesTruncation) {
  const base::Bytes whole = rtcp_hex(
      "8fcd0005"
      "00000001"
      "00000002"
      "00000003"
      "fffffe00"
      "a800"
      "04ff");
  for (std::size_t size = 8; size < whole.size(); size += 4) {
    base::Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    cut[3] = static_cast<std::uint8_t>(size / 4 - 1);
    std::vector<RtcpPacket> parsed;
    EXPECT_FALSE(parse_rtcp(cut, parsed)) << size;
  }
  std::vector<RtcpPacket> parsed;
  EXPECT_FALSE(parse_rtcp(rtcp_hex("8fcd0005"
                                   "00000001"
                                   "00000002"
                                   "00000000"
                                   "fffffe00"
                                   "a80004ff"),
                          parsed));
  EXPECT_FALSE(parse_rtcp(rtcp_hex("8fcd0005"
                                   "00000001"
                                   "00000002"
                                   "0000ffff"
                                   "fffffe00"
                                   "a80004ff"),
                          parsed));
}

TEST(Ntp, RoundsToTheMicrosecondBothWays) {
  EXPECT_EQ(to_ntp(base::from_microseconds(0)), 2'208'988'800ULL << 32);
  EXPECT_EQ(to_ntp(base::from_microseconds(500'000)), (2'208'988'800ULL << 32) + (1ULL << 31));
  for (const std::int64_t time : {1'795'421'462'123'456LL, 1LL, 999'999LL, 1'700'000'000'999'999LL}) {
    EXPECT_EQ(base::to_microseconds(from_ntp(to_ntp(base::from_microseconds(time)))), time);
  }
}

}  // namespace
}  // namespace rtp
