// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/unit_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "aac_encoder/spectral_codes.hpp"

namespace aac_encoder {
namespace {

constexpr std::uint32_t kChannelPair = 1, kEnd = 7;  // id_syn_ele, table 4.85
constexpr std::uint8_t kNoScale = 100;               // global_gain where no band is coded

// Counts where a BitWriter writes.
class BitCounter {
 public:
  void put(std::uint32_t, unsigned bits) { bits_ += bits; }
  std::size_t bits() const { return bits_; }

 private:
  std::size_t bits_ = 0;
};

template <class Out>
void put_word(Out& out, const CodeWord& word) {
  out.put(word.code, word.bits);
}

// ics_info(), table 4.6.
void write_info(const BandLayout& layout, unsigned bands, BitWriter& out) {
  out.put(0, 1);
  out.put(static_cast<std::uint32_t>(layout.sequence), 2);
  out.put(1, 1);  // Kaiser-Bessel derived window
  if (!layout.is_short()) {
    out.put(bands, 6);
    out.put(0, 1);  // no prediction
    return;
  }
  out.put(bands, 4);
  std::uint32_t goes_on = 0;
  for (unsigned group = 0; group < layout.grouping.groups; ++group) {
    for (unsigned w = 0; w < layout.grouping.windows[group]; ++w) goes_on = goes_on << 1 | (w > 0 ? 1U : 0U);
  }
  out.put(goes_on, 7);
}

// section_data(), table 4.52.
template <class Out>
void write_sections(const BandLayout& layout, const Sections& sections, Out& out) {
  const unsigned length_bits = layout.is_short() ? 3 : 5;
  const unsigned escape = (1U << length_bits) - 1;
  unsigned band = 0;
  for (unsigned group = 0; group < layout.grouping.groups; ++group) {
    const unsigned end = band + layout.bands;
    while (band < end) {
      unsigned length = 1;
      while (band + length < end && sections.book[band + length] == sections.book[band]) ++length;
      out.put(sections.book[band], 4);
      band += length;
      for (; length >= escape; length -= escape) out.put(escape, length_bits);
      out.put(length, length_bits);
    }
  }
}

// The scale factor of the first band that is coded.
std::uint8_t global_gain(const BandLayout& layout, const CodedChannel& channel) {
  for (unsigned band = 0; band < layout.total(); ++band) {
    if (channel.quantized.largest[band] > 0) return channel.quantized.scale[band];
  }
  return kNoScale;
}

// scale_factor_data(), table 4.53. A band of zeros within a section repeats the factor before.
template <class Out>
void write_scales(const BandLayout& layout, const CodedChannel& channel, Out& out) {
  int last = global_gain(layout, channel);
  for (unsigned band = 0; band < layout.total(); ++band) {
    if (channel.sections.book[band] == 0) continue;
    const int scale = channel.quantized.largest[band] > 0 ? channel.quantized.scale[band] : last;
    put_word(out, scale_factor_code(scale - last));
    last = scale;
  }
}

template <class Out>
void write_escape(unsigned size, Out& out) {
  if (size < 16) return;
  const auto bits = static_cast<unsigned>(std::bit_width(size)) - 1;
  out.put((1U << (bits - 3)) - 2, bits - 3);  // bits - 4 ones and a zero
  out.put(size - (1U << bits), bits);
}

template <class Out>
void write_signed(unsigned book, const std::int16_t* v, std::size_t count, Out& out) {
  const auto codes = spectral_codes(book);
  for (std::size_t i = 0; i < count; i += book_dimension(book)) {
    const int index = 40 + (book <= 2 ? 27 * v[i] + 9 * v[i + 1] + 3 * v[i + 2] + v[i + 3] : 9 * v[i] + v[i + 1]);
    put_word(out, codes[static_cast<std::size_t>(index)]);
  }
}

template <class Out>
void write_unsigned(unsigned book, const std::int16_t* v, std::size_t count, Out& out) {
  const auto codes = spectral_codes(book);
  const unsigned base = book <= 4 ? 3 : book <= 8 ? 8 : book <= 10 ? 13 : 17;
  const unsigned dimension = book_dimension(book);
  for (std::size_t i = 0; i < count; i += dimension) {
    unsigned index = 0, signs = 0, sign_bits = 0;
    for (unsigned d = 0; d < dimension; ++d) {
      const int value = v[i + d];
      index = index * base + std::min(static_cast<unsigned>(std::abs(value)), base - 1);
      if (value == 0) continue;
      signs = signs << 1 | (value < 0 ? 1U : 0U);
      ++sign_bits;
    }
    put_word(out, codes[index]);
    out.put(signs, sign_bits);
    if (book == 11) {
      write_escape(static_cast<unsigned>(std::abs(v[i])), out);
      write_escape(static_cast<unsigned>(std::abs(v[i + 1])), out);
    }
  }
}

// spectral_data(), table 4.56.
template <class Out>
void write_lines(const BandLayout& layout, const CodedChannel& channel, Out& out) {
  for (unsigned band = 0; band < layout.total(); ++band) {
    const unsigned book = channel.sections.book[band];
    if (book == 0) continue;
    const std::int16_t* values = channel.quantized.value.data() + layout.edge[band];
    if (book_is_signed(book)) {
      write_signed(book, values, layout.width(band), out);
    } else {
      write_unsigned(book, values, layout.width(band), out);
    }
  }
}

// individual_channel_stream(), table 4.50, without its ics_info().
void write_channel(const BandLayout& layout, const CodedChannel& channel, BitWriter& out) {
  out.put(global_gain(layout, channel), 8);
  write_sections(layout, channel.sections, out);
  write_scales(layout, channel, out);
  out.put(0, 3);  // no pulses, no temporal noise shaping, no gain control
  write_lines(layout, channel, out);
}

void begin_pair(BitWriter& out) {
  out.clear();
  out.put(kChannelPair, 3);
  out.put(0, 4);
  out.put(1, 1);  // common_window
}

}  // namespace

std::size_t count_bits(const BandLayout& layout, const CodedChannel& channel) {
  BitCounter counter;
  write_sections(layout, channel.sections, counter);
  write_scales(layout, channel, counter);
  write_lines(layout, channel, counter);
  return counter.bits();
}

void write_unit(const BandLayout& layout, const StereoMask& mask, std::span<const CodedChannel, 2> channels,
                BitWriter& out) {
  begin_pair(out);
  write_info(layout, layout.bands, out);
  out.put(mask.kind, 2);
  if (mask.kind == StereoMask::Some) {
    for (unsigned band = 0; band < layout.total(); ++band) out.put(mask.middle_side[band] ? 1 : 0, 1);
  }
  for (const CodedChannel& channel : channels) write_channel(layout, channel, out);
  out.put(kEnd, 3);
}

void write_silence(WindowSequence sequence, BitWriter& out) {
  const BandLayout layout = make_layout(sequence, {.windows = {8}});
  begin_pair(out);
  write_info(layout, 0, out);
  out.put(StereoMask::None, 2);
  for (int channel = 0; channel < 2; ++channel) {
    out.put(kNoScale, 8);
    out.put(0, 3);
  }
  out.put(kEnd, 3);
}

}  // namespace aac_encoder
