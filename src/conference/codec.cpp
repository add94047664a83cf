// SPDX-License-Identifier: Apache-2.0
#include "conference/codec.hpp"

#include <opus.h>

#include <array>

#include "base/check.hpp"

namespace conference {
namespace {

constexpr std::size_t kMaxFrameBytes = 1275;  // RFC 6716 3.2.1

}  // namespace

void Decoder::Free::operator()(OpusDecoder* decoder) const {
  opus_decoder_destroy(decoder);
}

Decoder::Decoder() {
  int error = 0;
  decoder_.reset(opus_decoder_create(kClockRate, 1, &error));
  CHECK(decoder_ != nullptr);  // the arguments are right, so memory has run out
}

std::size_t Decoder::decode(base::ByteView packet, std::span<float> out) {
  CHECK(out.size() >= kMaxSamples);
  if (packet.empty()) return 0;  // libopus would conceal
  const int samples = opus_decode_float(decoder_.get(), packet.data(), static_cast<opus_int32>(packet.size()),
                                        out.data(), static_cast<int>(kMaxSamples), 0);
  return samples > 0 ? static_cast<std::size_t>(samples) : 0;
}

bool Decoder::conceal(base::ByteView next, std::span<float> out) {
  CHECK(out.size() <= kMaxSamples);
  const bool fec = !next.empty();
  const int given = opus_decode_float(decoder_.get(), fec ? next.data() : nullptr, static_cast<opus_int32>(next.size()),
                                      out.data(), static_cast<int>(out.size()), fec ? 1 : 0);
  return given == static_cast<int>(out.size());
}

void Encoder::Free::operator()(OpusEncoder* encoder) const {
  opus_encoder_destroy(encoder);
}

Encoder::Encoder(int bitrate, int complexity) {
  int error = 0;
  encoder_.reset(opus_encoder_create(kClockRate, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error));
  CHECK(encoder_ != nullptr);
  opus_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(bitrate));
  opus_encoder_ctl(encoder_.get(), OPUS_SET_COMPLEXITY(complexity));
  // Constrained, a large frame takes its bits from the next ones.
  opus_encoder_ctl(encoder_.get(), OPUS_SET_VBR_CONSTRAINT(0));
  opus_int32 lookahead = 0;
  opus_encoder_ctl(encoder_.get(), OPUS_GET_LOOKAHEAD(&lookahead));
  CHECK(lookahead == static_cast<opus_int32>(kLookahead));
}

SharedPayload Encoder::encode(std::span<const float, kFrameSamples> samples, bool independent) {
  opus_encoder_ctl(encoder_.get(), OPUS_SET_PREDICTION_DISABLED(independent ? 1 : 0));
  std::array<std::uint8_t, kMaxFrameBytes> packet;
  const opus_int32 size = opus_encode_float(encoder_.get(), samples.data(), static_cast<int>(kFrameSamples),
                                            packet.data(), static_cast<opus_int32>(packet.size()));
  CHECK(size > 0);  // the arguments are right
  return std::make_shared<const base::Bytes>(packet.begin(), packet.begin() + size);
}

}  // namespace conference
