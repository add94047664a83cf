// SPDX-License-Identifier: Apache-2.0
#include "conference/mix_output.hpp"

#include <algorithm>
#include <array>

namespace conference {

void MixOutput::prime(std::span<const float> before) {
  for (; before.size() >= kFrameSamples; before = before.subspan(kFrameSamples)) {
    encode(before.first<kFrameSamples>(), false);
  }
}

SharedPayload MixOutput::encode(std::span<const float, kFrameSamples> sum, bool independent) {
  std::array<float, kFrameSamples> samples;
  std::copy(sum.begin(), sum.end(), samples.begin());
  limiter_.apply(samples);
  return encoder_.encode(samples, independent);
}

}  // namespace conference
