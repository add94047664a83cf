// SPDX-License-Identifier: Apache-2.0
#include "store/crc32c.hpp"

#include <array>
#include <cstring>

namespace store {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41, bits reversed

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

// Eight bytes a step: table n gives the effect of a byte that n more bytes follow.
constexpr Table make_table() {
  Table table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ kPolynomial : crc >> 1U;
    table[0][byte] = crc;
  }
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    for (std::size_t n = 1; n < 8; ++n) {
      table[n][byte] = (table[n - 1][byte] >> 8U) ^ table[0][table[n - 1][byte] & 0xffU];
    }
  }
  return table;
}
constexpr Table kTable = make_table();

#if defined(__x86_64__)
// Three lanes of kLane bytes hide the three cycles that one crc32 instruction takes to answer. The lanes are joined by
// advancing a checksum over kLane zero bytes, which is linear: four look-ups.
constexpr std::size_t kLane = 1024;

constexpr std::array<std::array<std::uint32_t, 256>, 4> make_advance() {
  std::array<std::array<std::uint32_t, 256>, 4> advance{};
  for (std::size_t byte = 0; byte < 4; ++byte) {
    for (std::uint32_t bit = 0; bit < 8; ++bit) {
      std::uint32_t crc = 1U << (8 * byte + bit);
      for (std::size_t zeros = 0; zeros < kLane; ++zeros) crc = (crc >> 8U) ^ kTable[0][crc & 0xffU];
      advance[byte][1U << bit] = crc;
    }
    for (std::uint32_t value = 1; value < 256; ++value) {
      const std::uint32_t lowest = value & (~value + 1);
      advance[byte][value] = advance[byte][lowest] ^ advance[byte][value ^ lowest];
    }
  }
  return advance;
}

std::uint32_t advance_lane(std::uint32_t crc) {
  static const auto kAdvance = make_advance();
  return kAdvance[0][crc & 0xffU] ^ kAdvance[1][(crc >> 8U) & 0xffU] ^ kAdvance[2][(crc >> 16U) & 0xffU] ^
         kAdvance[3][crc >> 24U];
}

std::uint64_t load(const std::uint8_t* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, 8);
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse(base::ByteView bytes, std::uint32_t before) {
  std::uint64_t crc = ~before;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3 * kLane; at += 3 * kLane, left -= 3 * kLane) {
    std::uint64_t second = 0, third = 0;
    for (std::size_t i = 0; i < kLane; i += 8) {
      crc = __builtin_ia32_crc32di(crc, load(at + i));
      second = __builtin_ia32_crc32di(second, load(at + kLane + i));
      third = __builtin_ia32_crc32di(third, load(at + 2 * kLane + i));
    }
    crc = advance_lane(static_cast<std::uint32_t>(crc)) ^ second;
    crc = advance_lane(static_cast<std::uint32_t>(crc)) ^ third;
  }
  for (; left >= 8; at += 8, left -= 8) crc = __builtin_ia32_crc32di(crc, load(at));
  auto tail = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left) tail = __builtin_ia32_crc32qi(tail, *at);
  return ~tail;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(base::ByteView bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    crc ^= static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8U |
           static_cast<std::uint32_t>(at[2]) << 16U | static_cast<std::uint32_t>(at[3]) << 24U;
    crc = kTable[7][crc & 0xffU] ^ kTable[6][(crc >> 8U) & 0xffU] ^ kTable[5][(crc >> 16U) & 0xffU] ^
          kTable[4][crc >> 24U] ^ kTable[3][at[4]] ^ kTable[2][at[5]] ^ kTable[1][at[6]] ^ kTable[0][at[7]];
  }
  for (; left > 0; ++at, --left) crc = (crc >> 8U) ^ kTable[0][(crc ^ *at) & 0xffU];
  return ~crc;
}

std::uint32_t crc32c(base::ByteView bytes, std::uint32_t before) {
#if defined(__x86_64__)
  static const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
  if (kHasInstruction) return crc32c_sse(bytes, before);
#endif
  return crc32c_portable(bytes, before);
}

}  // namespace store
