// SPDX-License-Identifier: Apache-2.0
#pragma once
// raw_data_block() of one channel pair (ISO/IEC 14496-3 4.4.2).

#include "aac_encoder/bit_writer.hpp"
#include "aac_encoder/sections.hpp"

namespace aac_encoder {

struct CodedChannel {
  Quantized quantized;
  Sections sections;
};

// Bits of section data, scale factors and lines of a channel.
std::size_t count_bits(const BandLayout& layout, const CodedChannel& channel);
// Side information around the two channels, at most.
inline constexpr std::size_t kFrameBits = 160;

// Writes a whole unit; `channels` are two and their bits with kFrameBits fit the writer.
void write_unit(const BandLayout& layout, const StereoMask& mask, std::span<const CodedChannel, 2> channels,
                BitWriter& out);
// A unit of silence: no band is coded.
void write_silence(WindowSequence sequence, BitWriter& out);

}  // namespace aac_encoder
