// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/stereo.hpp"

#include <algorithm>
#include <cmath>

namespace aac_encoder {
namespace {

struct Noise {
  float masked = 0;
  float limited = 0;
  float quiet = 0;
};

// What a band's bits grow with: the logarithm of signal over noise, none below the noise.
float demand(float energy, float noise) {
  return std::max(energy / std::max(noise, 1.0F), 1.0F);
}

bool middle_side_is_cheaper(const Channel& left, const Channel& right, unsigned band, float product, Noise both) {
  const float el = left.masking.energy[band], er = right.masking.energy[band];
  const float middle = 0.25F * (el + er + 2 * product), side = 0.25F * (el + er - 2 * product);
  const float apart = demand(el, std::max(left.masking.limited[band], left.masking.quiet[band])) *
                      demand(er, std::max(right.masking.limited[band], right.masking.quiet[band]));
  const float noise = std::max(both.limited, both.quiet);
  return demand(middle, noise) * demand(side, noise) < apart;
}

}  // namespace

StereoMask join_channels(const BandLayout& layout, Channel& left, Channel& right) {
  StereoMask mask;
  unsigned joined = 0;
  for (unsigned band = 0; band < layout.total(); ++band) {
    const std::size_t first = layout.edge[band], end = layout.edge[band + 1];
    float product = 0;
    for (std::size_t k = first; k < end; ++k) product += left.lines[k] * right.lines[k];
    // The noise of both adds up in either channel, so each may have half of what the more delicate channel hides.
    const Noise both{0.5F * std::min(left.masking.masked[band], right.masking.masked[band]),
                     0.5F * std::min(left.masking.limited[band], right.masking.limited[band]),
                     0.5F * std::min(left.masking.quiet[band], right.masking.quiet[band])};
    if (!middle_side_is_cheaper(left, right, band, product, both)) continue;
    mask.middle_side[band] = true;
    ++joined;
    for (std::size_t k = first; k < end; ++k) {
      const float l = left.lines[k], r = right.lines[k];
      left.lines[k] = 0.5F * (l + r);
      right.lines[k] = 0.5F * (l - r);
    }
    const float sum = left.masking.energy[band] + right.masking.energy[band];
    left.masking.energy[band] = std::max(0.0F, 0.25F * (sum + 2 * product));
    right.masking.energy[band] = std::max(0.0F, 0.25F * (sum - 2 * product));
    for (Channel* channel : {&left, &right}) {
      channel->masking.masked[band] = both.masked;
      channel->masking.limited[band] = both.limited;
      channel->masking.quiet[band] = both.quiet;
    }
  }
  mask.kind = joined == 0 ? StereoMask::None : joined == layout.total() ? StereoMask::All : StereoMask::Some;
  return mask;
}

StereoMask join_equal_channels(Channel& right) {
  right.lines.fill(0);
  right.masking = {};
  StereoMask mask;
  mask.kind = StereoMask::All;
  return mask;
}

}  // namespace aac_encoder
