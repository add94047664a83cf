// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "codecs/aac.hpp"
#include "codecs/opus.hpp"

namespace codecs {
namespace {

base::Bytes audio_hex(std::string_view text) {
  return base::parse_hex(text).value();
}

TEST(Opus, DurationsOfEveryConfiguration) {
  // RFC 6716 table 2, in milliseconds.
  const double expected[32] = {10,  20, 40, 60, 10,  20, 40, 60, 10,  20, 40, 60, 10,  20, 10, 20,
                               2.5, 5,  10, 20, 2.5, 5,  10, 20, 2.5, 5,  10, 20, 2.5, 5,  10, 20};
  for (unsigned config = 0; config < 32; ++config) {
    const base::Bytes packet = {static_cast<std::uint8_t>(config << 3), 1, 2};
    EXPECT_EQ(opus::packet_duration(packet), static_cast<std::uint32_t>(expected[config] * 48)) << config;
  }
}

TEST(Opus, FrameCountsAndBadPackets) {
  EXPECT_EQ(opus::packet_duration(audio_hex("fc0102")), 960U);   // 20 ms, one frame
  EXPECT_EQ(opus::packet_duration(audio_hex("fd0102")), 1920U);  // two of the same size
  EXPECT_FALSE(opus::packet_duration(audio_hex("fd01")));        // which an odd rest cannot be
  EXPECT_EQ(opus::packet_duration(audio_hex("fe0101")), 1920U);  // two of different size
  EXPECT_FALSE(opus::packet_duration(audio_hex("fe")));
  EXPECT_EQ(opus::packet_duration(audio_hex("ff0301")), 2880U);  // three
  EXPECT_EQ(opus::packet_duration(audio_hex("ff0601")), 5760U);  // 120 ms
  EXPECT_FALSE(opus::packet_duration(audio_hex("ff0701")));      // 140 ms
  EXPECT_FALSE(opus::packet_duration(audio_hex("ff0001")));      // none
  EXPECT_FALSE(opus::packet_duration(audio_hex("ff")));
  EXPECT_FALSE(opus::packet_duration({}));
  EXPECT_EQ(opus::packet_channels(audio_hex("fc01")), 2);
  EXPECT_EQ(opus::packet_channels(audio_hex("f801")), 1);
}

TEST(Opus, DiscontinuousTransmission) {
  EXPECT_TRUE(opus::is_dtx(audio_hex("f8")));
  EXPECT_TRUE(opus::is_dtx(audio_hex("f8ff")));
  EXPECT_FALSE(opus::is_dtx(audio_hex("f8fffe")));  // the encoder's silence, but a whole frame
  EXPECT_FALSE(opus::is_dtx({}));
}

TEST(Opus, HeadGolden) {
  // As opusenc writes it for 44.1 kHz stereo with 312 samples to skip.
  const base::Bytes golden = audio_hex("4f707573486561640102380144ac0000000000");
  EXPECT_EQ(opus::write_opus_head({.channels = 2, .pre_skip = 312, .input_sample_rate = 44100}), golden);
  const auto head = opus::parse_opus_head(golden);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->channels, 2);
  EXPECT_EQ(head->pre_skip, 312);
  EXPECT_EQ(head->input_sample_rate, 44100U);
  EXPECT_EQ(opus::parse_opus_head(opus::write_opus_head({.output_gain = -256}))->output_gain, -256);
  for (std::size_t size = 0; size < golden.size(); ++size) {
    EXPECT_FALSE(opus::parse_opus_head(base::ByteView(golden).first(size)));
  }
  base::Bytes surround = golden;
  surround[18] = 1;
  EXPECT_FALSE(opus::parse_opus_head(surround));
}

TEST(Aac, AudioSpecificConfigGolden) {
  EXPECT_EQ(base::to_hex(aac::write_audio_specific_config({2, 48000, 2})), "1190");
  EXPECT_EQ(base::to_hex(aac::write_audio_specific_config({2, 48000, 1})), "1188");
  EXPECT_EQ(base::to_hex(aac::write_audio_specific_config({2, 44100, 2})), "1210");
  const auto config = aac::parse_audio_specific_config(audio_hex("119056e500"));  // FFmpeg appends "no SBR"
  ASSERT_TRUE(config);
  EXPECT_EQ(config->object_type, 2);
  EXPECT_EQ(config->sample_rate, 48000U);
  EXPECT_EQ(config->channels, 2);
  EXPECT_EQ(aac::codec_string(*config), "mp4a.40.2");
  const auto odd = aac::parse_audio_specific_config(aac::write_audio_specific_config({2, 47000, 8}));
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->sample_rate, 47000U);
  EXPECT_EQ(odd->channels, 8);
  EXPECT_FALSE(aac::parse_audio_specific_config({}));
  EXPECT_FALSE(aac::parse_audio_specific_config(audio_hex("11")));
  EXPECT_FALSE(aac::parse_audio_specific_config(audio_hex("1790")));  // reserved rate index 15 without its rate
}

TEST(Aac, AdtsHeader) {
  const auto header = aac::parse_adts(audio_hex("fff14c800b9ffc"));  // LC, 48 kHz, stereo, 92 bytes
  ASSERT_TRUE(header);
  EXPECT_EQ(header->config.object_type, 2);
  EXPECT_EQ(header->config.sample_rate, 48000U);
  EXPECT_EQ(header->config.channels, 2);
  EXPECT_EQ(header->header_size, 7U);
  EXPECT_EQ(header->frame_size, 92U);
  EXPECT_FALSE(aac::parse_adts(audio_hex("fff14c800b9f")));
  EXPECT_FALSE(aac::parse_adts(audio_hex("ffe14c800b9ffc")));
}

}  // namespace
}  // namespace codecs
