// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/sections.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "aac_encoder/spectral_codes.hpp"

namespace aac_encoder {
namespace {

using Costs = std::array<std::uint32_t, kBooks>;
constexpr std::uint32_t kImpossible = 1U << 24;
constexpr std::uint32_t kSectionLong = 4 + 5;  // codebook and length
constexpr std::uint32_t kSectionShort = 4 + 3;

// Bits of a word, sign bits included, of two books at once: the first in the low half.
struct PairCosts {
  std::array<std::uint32_t, 81> small{};    // books 1 and 2, signed
  std::array<std::uint32_t, 81> quad{};     // 3 and 4
  std::array<std::uint32_t, 81> pair4{};    // 5 and 6, signed
  std::array<std::uint32_t, 64> pair7{};    // 7 and 8
  std::array<std::uint32_t, 169> pair12{};  // 9 and 10
  std::array<std::uint32_t, 289> pair16{};  // 11, without escapes

  PairCosts() {
    fill(small, 1, 0, 0);
    fill(quad, 3, 3, 4);
    fill(pair4, 5, 0, 0);
    fill(pair7, 7, 8, 2);
    fill(pair12, 9, 13, 2);
    fill(pair16, 11, 17, 2);
  }

  // `base`: of the index, 0 in signed books. Book 11 has no second.
  template <std::size_t N>
  static void fill(std::array<std::uint32_t, N>& out, unsigned book, unsigned base, unsigned dimension) {
    for (std::size_t i = 0; i < N; ++i) {
      std::uint32_t signs = 0;
      std::size_t rest = i;
      for (unsigned d = 0; d < dimension; ++d, rest /= base) signs += rest % base != 0 ? 1 : 0;
      const std::uint32_t second = book == 11 ? 0 : spectral_codes(book + 1)[i].bits + signs;
      out[i] = spectral_codes(book)[i].bits + signs + (second << 16);
    }
  }
};

const PairCosts& pair_costs() {
  static const PairCosts kCosts;
  return kCosts;
}

std::uint32_t quad_signed(const std::int16_t* v, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; i += 4) {
    const int index = 27 * v[i] + 9 * v[i + 1] + 3 * v[i + 2] + v[i + 3] + 40;
    sum += pair_costs().small[static_cast<std::size_t>(index)];
  }
  return sum;
}
std::uint32_t quad_unsigned(const std::int16_t* v, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; i += 4) {
    sum += pair_costs().quad[static_cast<std::size_t>(27 * std::abs(v[i]) + 9 * std::abs(v[i + 1]) +
                                                      3 * std::abs(v[i + 2]) + std::abs(v[i + 3]))];
  }
  return sum;
}
std::uint32_t pair_signed(const std::int16_t* v, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; i += 2) {
    const int index = 9 * v[i] + v[i + 1] + 40;
    sum += pair_costs().pair4[static_cast<std::size_t>(index)];
  }
  return sum;
}
template <int Base, std::size_t N>
std::uint32_t pair_unsigned(const std::array<std::uint32_t, N>& costs, const std::int16_t* v, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; i += 2) {
    sum += costs[static_cast<std::size_t>(Base * std::abs(v[i]) + std::abs(v[i + 1]))];
  }
  return sum;
}
std::uint32_t pair_escaped(const std::int16_t* v, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; i += 2) {
    const auto a = static_cast<unsigned>(std::abs(v[i])), b = static_cast<unsigned>(std::abs(v[i + 1]));
    sum += pair_costs().pair16[17 * std::min(a, 16U) + std::min(b, 16U)];
    for (const unsigned x : {a, b}) {
      if (x >= 16) sum += 2 * static_cast<unsigned>(std::bit_width(x)) - 6 + 1;
    }
  }
  return sum;
}

void set_pair(Costs& costs, unsigned book, std::uint32_t sum) {
  costs[book] = sum & 0xFFFF;
  if (book + 1 < kBooks) costs[book + 1] = sum >> 16;
}

// The two pairs of books from the smallest that holds `largest`.
Costs cost_of_band(const std::int16_t* v, std::size_t count, int largest) {
  Costs costs;
  costs.fill(kImpossible);
  if (largest == 0) {
    costs[0] = 0;
    for (unsigned book = 1; book < kBooks; ++book) {
      const auto codes = spectral_codes(book);
      const std::size_t zero = book_is_signed(book) ? 40 : 0;
      costs[book] = static_cast<std::uint32_t>(count / book_dimension(book)) * codes[zero].bits + 1;
    }
    return costs;
  }
  if (largest <= 1) set_pair(costs, 1, quad_signed(v, count));
  if (largest <= 2) set_pair(costs, 3, quad_unsigned(v, count));
  if (largest > 1 && largest <= 4) set_pair(costs, 5, pair_signed(v, count));
  if (largest > 2 && largest <= 7) set_pair(costs, 7, pair_unsigned<8>(pair_costs().pair7, v, count));
  if (largest > 4 && largest <= 12) set_pair(costs, 9, pair_unsigned<13>(pair_costs().pair12, v, count));
  if (largest > 7) costs[11] = pair_escaped(v, count);
  return costs;
}

}  // namespace

void choose_sections(const BandLayout& layout, const Quantized& quantized, Sections& out) {
  const std::uint32_t header = layout.is_short() ? kSectionShort : kSectionLong;
  std::array<std::array<std::uint8_t, kBooks>, BandLayout::kMaxBands> from;  // the book of the band before
  Costs best{};
  for (unsigned band = 0; band < layout.total(); ++band) {
    const Costs costs =
        cost_of_band(quantized.value.data() + layout.edge[band], layout.width(band), quantized.largest[band]);
    const auto cheapest = static_cast<std::uint8_t>(std::ranges::min_element(best) - best.begin());
    const std::uint32_t anew = best[cheapest] + header;
    const bool group_begins = band % layout.bands == 0;  // sections end with their group
    for (unsigned book = 0; book < kBooks; ++book) {
      const bool goes_on = !group_begins && best[book] <= anew;
      from[band][book] = goes_on ? static_cast<std::uint8_t>(book) : cheapest;
      best[book] = std::min((goes_on ? best[book] : anew) + costs[book], kImpossible);
    }
  }
  auto book = static_cast<std::uint8_t>(std::ranges::min_element(best) - best.begin());
  for (unsigned band = layout.total(); band-- > 0;) {
    out.book[band] = book;
    book = from[band][book];
  }
}

}  // namespace aac_encoder
