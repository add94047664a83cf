// SPDX-License-Identifier: Apache-2.0
#include "streams/opus/decoder.hpp"

#include <opus.h>

#include "base/check.hpp"

namespace streams::opus {

void Decoder::Free::operator()(OpusDecoder* decoder) const {
  opus_decoder_destroy(decoder);
}

Decoder::Decoder() {
  int error = 0;
  decoder_.reset(opus_decoder_create(48'000, 2, &error));
  CHECK(decoder_ != nullptr);  // the arguments are right, so memory has run out
}

std::size_t Decoder::decode(base::ByteView packet, std::span<float> out) {
  CHECK(out.size() >= 2 * kMaxSamples);
  if (packet.empty()) return 0;  // libopus would conceal
  const int samples = opus_decode_float(decoder_.get(), packet.data(), static_cast<opus_int32>(packet.size()),
                                        out.data(), static_cast<int>(kMaxSamples), 0);
  return samples > 0 ? static_cast<std::size_t>(samples) : 0;
}

std::size_t Decoder::conceal(base::ByteView next, std::size_t samples, std::span<float> out) {
  CHECK(samples <= kMaxSamples && out.size() >= 2 * samples);
  const int given = opus_decode_float(decoder_.get(), next.data(), static_cast<opus_int32>(next.size()), out.data(),
                                      static_cast<int>(samples), 1);
  return given > 0 ? static_cast<std::size_t>(given) : 0;
}

}  // namespace streams::opus
