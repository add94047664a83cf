// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the 1024 lines of a unit are cut into scale factor bands at 48 kHz (ISO/IEC 14496-3, tables 4.129 and 4.130).
// Both channels share it. Lines are kept in the order in which they are coded: for short windows group by group, in a
// group band by band, in a band window by window.

#include <array>
#include <cstdint>
#include <span>

namespace aac_encoder {

inline constexpr std::size_t kLines = 1024;
inline constexpr std::size_t kShortLines = 128;
inline constexpr std::size_t kShortWindows = 8;

enum class WindowSequence : std::uint8_t { OnlyLong = 0, LongStart = 1, EightShort = 2, LongStop = 3 };

// Edges of the bands that are coded, first one 0. What lies above the last edge (16.5 kHz; 18 kHz in short windows,
// whose bands are wide) is not coded: 96 kbit/s do better below.
std::span<const std::uint16_t> band_edges(WindowSequence sequence);

// The windows of a group share scale factors. A bit for each window but the first: 1 when it goes on with the group.
struct Grouping {
  std::array<std::uint8_t, kShortWindows> windows{};  // of each group
  unsigned groups = 1;
};

struct BandLayout {
  static constexpr std::size_t kMaxBands = 8 * 14;

  WindowSequence sequence = WindowSequence::OnlyLong;
  Grouping grouping;
  unsigned bands = 0;  // of one group
  std::array<std::uint16_t, kMaxBands + 1> edge{};

  bool is_short() const { return sequence == WindowSequence::EightShort; }
  unsigned total() const { return bands * grouping.groups; }
  std::size_t width(unsigned band) const { return static_cast<std::size_t>(edge[band + 1] - edge[band]); }
};

// `grouping` counts for short windows only.
BandLayout make_layout(WindowSequence sequence, const Grouping& grouping);

// Short windows one after the other (8 times 128 lines) into the order in which they are coded.
void sort_into_groups(const BandLayout& layout, std::span<const float, kLines> windows, std::span<float, kLines> out);

}  // namespace aac_encoder
