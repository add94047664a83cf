// SPDX-License-Identifier: Apache-2.0
#include "aws/pattern.hpp"

#include <algorithm>
#include <bit>

namespace aws {

bool Pattern::matches(std::string_view utf8) const {
  if (utf8.empty()) return matches_empty_;
  std::uint64_t reachable = first_;
  std::uint64_t active = 0;
  while (!utf8.empty()) {
    char32_t symbol = 0;
    if (!take_code_point(utf8, symbol)) return false;
    active = accepting(symbol, reachable);
    if (active == 0) return false;
    reachable = 0;
    for (std::uint64_t rest = active; rest != 0; rest &= rest - 1) {
      reachable |= positions_[static_cast<std::size_t>(std::countr_zero(rest))].follow;
    }
  }
  return (active & last_) != 0;
}

std::uint64_t Pattern::accepting(char32_t symbol, std::uint64_t among) const {
  std::uint64_t active = 0;
  for (std::uint64_t rest = among; rest != 0; rest &= rest - 1) {
    const auto index = static_cast<std::size_t>(std::countr_zero(rest));
    const auto chars = positions_[index].chars;
    const auto range = std::ranges::lower_bound(chars, symbol, {}, &Range::last);
    if (range != chars.end() && range->first <= symbol) active |= std::uint64_t{1} << index;
  }
  return active;
}

bool take_code_point(std::string_view& text, char32_t& out) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || text.size() < length) return false;
  char32_t value = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return false;
    value = value << 6 | (byte(at) & 0x3fu);
  }
  static constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return false;
  out = value;
  text.remove_prefix(length);
  return true;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  char32_t ignored = 0;
  for (; !text.empty(); ++count) {
    if (!take_code_point(text, ignored)) text.remove_prefix(1);
  }
  return count;
}

}  // namespace aws
