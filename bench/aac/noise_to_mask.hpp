// SPDX-License-Identifier: Apache-2.0
#pragma once
// Noise-to-mask ratio of a coded signal after ITU-R BS.1387 (basic version, FFT ear model), written apart from the
// encoders it judges: 2048 samples with a Hann window, quarter-bark bands from 80 Hz to 18 kHz, an excitation that is
// spread with slopes of 27 dB/bark down and level dependent ones up, masking 3 dB below it (0.25 dB per bark above 12
// bark). Time spreading is the standard's. Simplified: no outer ear; quiet is the standard's internal
// noise alone.

#include <span>
#include <string>

namespace bench {

struct Quality {
  double total_nmr = 0;      // dB: mean of noise over mask in all frames and bands
  double segmental_nmr = 0;  // dB: mean of the frames' own values in dB
  double worst_nmr = 0;      // dB: 99 % of the frames are better
  double snr = 0;            // dB, over everything
};

// One channel; both signals are aligned, in -1..1. Frames below -70 dBFS do not count.
Quality measure_quality(std::span<const float> original, std::span<const float> coded);

}  // namespace bench
