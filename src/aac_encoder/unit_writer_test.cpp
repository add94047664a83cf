// SPDX-License-Identifier: Apache-2.0
// What is written against what FFmpeg's decoder makes of it: an inverse transform by the sum of the standard says which
// samples the numbers stand for.
#include "aac_encoder/unit_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "aac_encoder/decoded.hpp"
#include "aac_encoder/spectral_codes.hpp"
#include "base/random.hpp"

namespace aac_encoder {
namespace {

using base::Bytes;

// ISO/IEC 14496-3 4.6.11.3.1 and the Kaiser-Bessel derived window of 4.6.11.3.2, for a long unit between two of
// silence; samples in -1..1.
std::vector<float> invert(const std::vector<double>& lines) {
  static const std::vector<double> kCosine = [] {
    std::vector<double> table(8192);
    for (std::size_t i = 0; i < table.size(); ++i) {
      table[i] = std::cos(2 * std::numbers::pi * static_cast<double>(i) / 8192);
    }
    return table;
  }();
  // The square of the window is the running sum of a Kaiser window with alpha 4.
  static const std::vector<double> kWindow = [] {
    std::vector<double> sums(1025);
    double sum = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double x = (static_cast<double>(i) - 512) / 512;
      sum += std::cyl_bessel_i(0, std::numbers::pi * 4 * std::sqrt(1 - x * x));
      sums[i] = sum;
    }
    for (double& x : sums) x = std::sqrt(x / sum);
    return sums;
  }();
  std::vector<float> out(2048);
  for (std::size_t n = 0; n < out.size(); ++n) {
    double sum = 0;
    // cos(2 pi / 2048 (n + 512.5) (k + 0.5)) in steps of a full turn over 8192
    for (std::size_t k = 0; k < lines.size(); ++k) {
      if (lines[k] != 0) sum += lines[k] * kCosine[(2 * n + 1025) * (2 * k + 1) % 8192];
    }
    out[n] = static_cast<float>(kWindow[std::min(n, 2047 - n)] * sum * 2 / 2048 / 32'768);
  }
  return out;
}

std::vector<double> dequantize(const BandLayout& layout, const CodedChannel& channel) {
  std::vector<double> lines(kLines);
  for (unsigned band = 0; band < layout.total(); ++band) {
    for (std::size_t k = layout.edge[band]; k < layout.edge[band + 1]; ++k) {
      const double value = channel.quantized.value[k];
      lines[k] = std::copysign(std::pow(std::abs(value), 4.0 / 3), value) *
                 std::exp2(0.25 * (channel.quantized.scale[band] - 100));
    }
  }
  return lines;
}

// Sets what follows from the values.
void measure_largest(const BandLayout& layout, CodedChannel& channel) {
  for (unsigned band = 0; band < layout.total(); ++band) {
    int largest = 0;
    for (std::size_t k = layout.edge[band]; k < layout.edge[band + 1]; ++k) {
      largest = std::max(largest, std::abs(int{channel.quantized.value[k]}));
    }
    channel.quantized.largest[band] = static_cast<std::uint16_t>(largest);
  }
}

// Error against the samples that the numbers stand for, as a share of the largest sample.
double decoding_error(const BandLayout& layout, const std::array<CodedChannel, 2>& channels) {
  BitWriter writer;
  const auto take = [&] {
    const base::ByteView view = writer.finish();
    return Bytes(view.begin(), view.end());
  };
  write_silence(WindowSequence::OnlyLong, writer);
  const Bytes silence = take();
  write_unit(layout, {}, channels, writer);
  std::size_t bits = kFrameBits;
  for (const CodedChannel& channel : channels) bits += count_bits(layout, channel);
  EXPECT_LE(writer.bits(), bits);
  EXPECT_GE(writer.bits() + kFrameBits, bits);
  const auto decoded = decode_units({silence, take(), silence});
  if (!decoded) return 1e9;
  double worst = 0, largest = 1e-9;
  for (std::size_t c = 0; c < 2; ++c) {
    const std::vector<float> wanted = invert(dequantize(layout, channels[c]));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto want = static_cast<double>(wanted[i]), have = static_cast<double>(decoded->samples[c][kLines + i]);
      worst = std::max(worst, std::abs(want - have));
      largest = std::max(largest, std::abs(want));
    }
  }
  return worst / largest;
}

// All words of a codebook, in the order of its index from line 0 on, in both channels.
CodedChannel every_word(const BandLayout& layout, unsigned book) {
  CodedChannel channel;
  const int largest = std::min(book_largest(book), 16);
  const int low = book_is_signed(book) ? -largest : 0, base = largest - low + 1;
  for (std::size_t word = 0; word < spectral_codes(book).size(); ++word) {
    auto rest = static_cast<int>(word);
    for (unsigned d = book_dimension(book); d-- > 0; rest /= base) {
      int value = rest % base + low;
      if (!book_is_signed(book) && (word + d) % 3 == 0) value = -value;
      channel.quantized.value[word * book_dimension(book) + d] = static_cast<std::int16_t>(value);
    }
  }
  channel.quantized.scale.fill(100);
  channel.sections.book.fill(static_cast<std::uint8_t>(book));
  measure_largest(layout, channel);
  return channel;
}

TEST(AacUnitWriter, EveryWordOfEveryCodebookReadsBack) {
  const BandLayout layout = make_layout(WindowSequence::OnlyLong, {});
  for (unsigned book = 1; book < kBooks; ++book) {
    ASSERT_LE(spectral_codes(book).size() * book_dimension(book), layout.edge[layout.total()]);
    const CodedChannel channel = every_word(layout, book);
    EXPECT_LT(decoding_error(layout, {channel, channel}), 1e-5) << "book " << book;
  }
}

TEST(AacUnitWriter, EscapesReadBack) {
  const BandLayout layout = make_layout(WindowSequence::OnlyLong, {});
  CodedChannel channel;
  for (std::size_t i = 0; i < 26; ++i) {
    const int power = 1 << (i / 2);
    channel.quantized.value[2 * i] = static_cast<std::int16_t>(std::min(power + (i % 2 == 0 ? 0 : power - 1), 8191));
    channel.quantized.value[2 * i + 1] = static_cast<std::int16_t>(-static_cast<int>(i));
  }
  channel.quantized.scale.fill(60);
  channel.sections.book.fill(11);
  measure_largest(layout, channel);
  EXPECT_LT(decoding_error(layout, {channel, {}}), 1e-5);
}

TEST(AacUnitWriter, EveryStepOfTheScaleFactorsReadsBack) {
  const BandLayout layout = make_layout(WindowSequence::OnlyLong, {});
  for (int step = 1; step <= kLargestScaleStep; ++step) {
    CodedChannel channel;
    for (unsigned band = 0; band < layout.total(); ++band) {
      channel.quantized.value[layout.edge[band]] = 1;
      channel.quantized.scale[band] = static_cast<std::uint8_t>(band % 2 == 0 ? 100 : 100 + step);
    }
    channel.sections.book.fill(1);
    measure_largest(layout, channel);
    // The step down first, in the other channel.
    CodedChannel other = channel;
    for (unsigned band = 0; band < layout.total(); ++band) {
      other.quantized.scale[band] = static_cast<std::uint8_t>(band % 2 == 0 ? 100 + step : 100);
    }
    EXPECT_LT(decoding_error(layout, {channel, other}), 1e-5) << step;
  }
}

// What choose_sections says can be written, costs what count_bits says, and is never dearer than the smallest book for
// each band.
TEST(AacSections, AreCheapestAmongTheirKind) {
  base::SeededRandom random(7);
  const BandLayout layout = make_layout(WindowSequence::OnlyLong, {});
  for (int round = 0; round < 20; ++round) {
    CodedChannel channel;
    for (unsigned band = 0; band < layout.total(); ++band) {
      const auto most = static_cast<std::uint64_t>(1) << random.below(round % 2 == 0 ? 3 : 9);
      for (std::size_t k = layout.edge[band]; k < layout.edge[band + 1]; ++k) {
        channel.quantized.value[k] =
            static_cast<std::int16_t>(static_cast<int>(random.below(2 * most + 1)) - static_cast<int>(most));
      }
    }
    channel.quantized.scale.fill(100);
    measure_largest(layout, channel);
    choose_sections(layout, channel.quantized, channel.sections);
    const std::size_t bits = count_bits(layout, channel);
    CodedChannel plain = channel;
    for (unsigned band = 0; band < layout.total(); ++band) {
      std::uint8_t book = 0;
      while (book_largest(book) < channel.quantized.largest[band]) ++book;
      plain.sections.book[band] = book;
    }
    EXPECT_LE(bits, count_bits(layout, plain));
    if (bits < 6000) EXPECT_LT(decoding_error(layout, {channel, {}}), 1e-5);
  }
}

}  // namespace
}  // namespace aac_encoder
