// SPDX-License-Identifier: Apache-2.0
#include "client/tone_encoder.hpp"

#include <opus/opus.h>

#include <array>
#include <cmath>
#include <numbers>

namespace client {
namespace {

constexpr int kRate = 48000;
constexpr int kPacketSamples = kRate / 50;
constexpr std::size_t kMaxPacketBytes = 1275;  // RFC 6716 3.2.1

std::int16_t sample_at(std::int64_t index) {
  const double seconds = static_cast<double>(index) / kRate;
  const bool beep = index % kRate < kRate / 10;
  const double tone = std::sin(2 * std::numbers::pi * (beep ? 1000 : 440) * seconds);
  return static_cast<std::int16_t>(tone * (beep ? 12000 : 1500));
}

}  // namespace

void ToneEncoder::Free::operator()(OpusEncoder* encoder) const {
  opus_encoder_destroy(encoder);
}

base::Result<ToneEncoder> ToneEncoder::open() {
  int error = OPUS_OK;
  OpusEncoder* encoder = opus_encoder_create(kRate, 2, OPUS_APPLICATION_AUDIO, &error);
  if (error != OPUS_OK) return base::fail(base::Errc::Internal, "libopus gives no encoder");
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(48000));
  return ToneEncoder(encoder);
}

base::Bytes ToneEncoder::encode_packet() {
  std::array<std::int16_t, kPacketSamples * 2> samples;
  for (std::size_t i = 0; i < kPacketSamples; ++i) samples[2 * i] = samples[2 * i + 1] = sample_at(sample_++);
  base::Bytes packet(kMaxPacketBytes);
  const int size = opus_encode(encoder_.get(), samples.data(), kPacketSamples, packet.data(),
                               static_cast<opus_int32>(packet.size()));
  packet.resize(static_cast<std::size_t>(size > 0 ? size : 0));
  return packet;
}

}  // namespace client
