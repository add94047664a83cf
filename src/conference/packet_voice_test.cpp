// SPDX-License-Identifier: Apache-2.0
#include "conference/packet_voice.hpp"

#include <gtest/gtest.h>
#include <opus.h>

#include <cmath>

namespace conference {
namespace {

struct Counts {
  int silent = 0;
  int voice = 0;
  int unknown = 0;
};

// Two seconds of hum with overtones that comes and goes like syllables, or of faint noise, from libopus.
Counts count(int application, int bitrate, int frame, bool speech, bool dtx) {
  int error = 0;
  OpusEncoder* encoder = opus_encoder_create(48'000, 1, application, &error);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate));
  opus_encoder_ctl(encoder, OPUS_SET_DTX(dtx ? 1 : 0));
  opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  Counts counts;
  std::vector<float> pcm(static_cast<std::size_t>(frame));
  unsigned noise = 1;
  for (int at = 0; at < 96'000; at += frame) {
    for (int i = 0; i < frame; ++i) {
      const double t = (at + i) / 48'000.0;
      noise = noise * 1'664'525 + 1'013'904'223;
      const double hiss = (noise >> 16) / 65'536.0 - 0.5;
      double tone = 0;
      for (int k = 1; k < 12; ++k) tone += std::sin(2 * 3.14159265 * 130 * k * t) / k;
      pcm[static_cast<std::size_t>(i)] =
          static_cast<float>(speech ? 0.2 * tone * (0.5 - 0.5 * std::cos(2 * 3.14159265 * 4 * t)) : 1e-4 * hiss);
    }
    base::Bytes packet(1500);
    const int size = opus_encode_float(encoder, pcm.data(), frame, packet.data(), 1500);
    packet.resize(static_cast<std::size_t>(size));
    const PacketVoice voice = packet_voice(packet);
    ++(voice == PacketVoice::Silent ? counts.silent : voice == PacketVoice::Voice ? counts.voice : counts.unknown);
  }
  opus_encoder_destroy(encoder);
  return counts;
}

TEST(PacketVoice, SilkAndHybridTellByTheirFirstBits) {
  for (const int bitrate : {12'000, 24'000}) {
    for (const int frame : {960, 1920, 2880}) {
      const Counts speech = count(OPUS_APPLICATION_VOIP, bitrate, frame, true, false);
      EXPECT_GT(speech.voice, 3 * speech.silent) << bitrate << " bit/s, " << frame << " samples";
      EXPECT_EQ(speech.unknown, 0);
      const Counts noise = count(OPUS_APPLICATION_VOIP, bitrate, frame, false, false);
      EXPECT_GT(noise.silent, 3 * noise.voice) << bitrate << " bit/s, " << frame << " samples";
    }
  }
}

TEST(PacketVoice, CeltDoesNotTell) {
  EXPECT_EQ(count(OPUS_APPLICATION_RESTRICTED_LOWDELAY, 64'000, 960, true, false).unknown, 100);
}

TEST(PacketVoice, DiscontinuousTransmissionIsSilence) {
  const Counts noise = count(OPUS_APPLICATION_VOIP, 24'000, 960, false, true);
  EXPECT_GT(noise.silent, 80);
  EXPECT_EQ(packet_voice(base::Bytes{0x08}), PacketVoice::Silent);
}

}  // namespace
}  // namespace conference
