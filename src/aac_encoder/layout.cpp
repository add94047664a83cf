// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/layout.hpp"

#include <algorithm>

namespace aac_encoder {
namespace {

constexpr std::array<std::uint16_t, 42> kLongEdges = {
    0,   4,   8,   12,  16,  20,  24,  28,  32,  36,  40,  48,  56,  64,  72,  80,  88,  96,  108, 120, 132,
    144, 160, 176, 196, 216, 240, 264, 292, 320, 352, 384, 416, 448, 480, 512, 544, 576, 608, 640, 672, 704};
constexpr std::array<std::uint16_t, 13> kShortEdges = {0, 4, 8, 12, 16, 20, 28, 36, 44, 56, 68, 80, 96};

}  // namespace

std::span<const std::uint16_t> band_edges(WindowSequence sequence) {
  if (sequence == WindowSequence::EightShort) return kShortEdges;
  return kLongEdges;
}

BandLayout make_layout(WindowSequence sequence, const Grouping& grouping) {
  BandLayout layout;
  layout.sequence = sequence;
  const auto edges = band_edges(sequence);
  layout.bands = static_cast<unsigned>(edges.size() - 1);
  if (layout.is_short()) {
    layout.grouping = grouping;
  } else {
    layout.grouping.windows[0] = 1;
  }
  unsigned band = 0;
  for (unsigned group = 0; group < layout.grouping.groups; ++group) {
    for (unsigned i = 0; i < layout.bands; ++i, ++band) {
      const int width = (edges[i + 1] - edges[i]) * layout.grouping.windows[group];
      layout.edge[band + 1] = static_cast<std::uint16_t>(layout.edge[band] + width);
    }
  }
  return layout;
}

void sort_into_groups(const BandLayout& layout, std::span<const float, kLines> windows, std::span<float, kLines> out) {
  const auto edges = band_edges(layout.sequence);
  auto to = out.begin();
  std::size_t window = 0;
  for (unsigned group = 0; group < layout.grouping.groups; ++group) {
    for (unsigned band = 0; band < layout.bands; ++band) {
      for (std::size_t w = window; w < window + layout.grouping.windows[group]; ++w) {
        const auto from = windows.begin() + static_cast<std::ptrdiff_t>(w * kShortLines);
        to = std::copy(from + edges[band], from + edges[band + 1], to);
      }
    }
    window += layout.grouping.windows[group];
  }
}

}  // namespace aac_encoder
