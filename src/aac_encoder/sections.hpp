// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which codebook codes which bands (ISO/IEC 14496-3 4.6.3): the cheapest way through all bands.

#include <array>
#include <cstdint>

#include "aac_encoder/quantizer.hpp"

namespace aac_encoder {

struct Sections {
  std::array<std::uint8_t, BandLayout::kMaxBands> book{};
};

// Among the two codebooks that fit a band most closely and the next larger pair.
void choose_sections(const BandLayout& layout, const Quantized& quantized, Sections& out);

}  // namespace aac_encoder
