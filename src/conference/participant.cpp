// SPDX-License-Identifier: Apache-2.0
#include "conference/participant.hpp"

namespace conference {
namespace {

constexpr std::size_t kFade = 480;
constexpr float kLoudnessSmoothing = 1.0F / 25;

}  // namespace

float mean_square(std::span<const float> samples) {
  float sum = 0;
  for (const float sample : samples) sum += sample * sample;
  return samples.empty() ? 0 : sum / static_cast<float>(samples.size());
}

void MixedVoice::read(base::Instant now) {
  voice.read(now, frame);
  level = mean_square(frame);
  loudness += (level - loudness) * kLoudnessSmoothing;
}

void MixedVoice::remember_past() {
  past = std::make_unique<Voice::Past>();
  voice.read_before(*past);
}

void MixedVoice::fade_to(float target) {
  if (gain == 1 && target == 1) return;
  const float step = (target - gain) / kFade;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    frame[i] *= i < kFade ? gain + step * static_cast<float>(i + 1) : target;
  }
  gain = target;
}

}  // namespace conference
