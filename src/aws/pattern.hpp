// SPDX-License-Identifier: Apache-2.0
#pragma once
// A regular expression of the models, compiled at build time to an automaton of at most 64 positions (Glushkov):
// matching takes linear time and constant memory whatever the input. std::regex does neither.

#include <cstdint>
#include <span>
#include <string_view>

namespace aws {

class Pattern {
 public:
  struct Range {
    char32_t first;
    char32_t last;
  };
  // One character class of the expression, and the set of positions that may follow it.
  struct Position {
    std::span<const Range> chars;  // sorted
    std::uint64_t follow;
  };

  constexpr Pattern(std::string_view source, std::span<const Position> positions, std::uint64_t first,
                    std::uint64_t last, bool matches_empty)
      : source_(source), positions_(positions), first_(first), last_(last), matches_empty_(matches_empty) {}

  // The whole text must match, as the models mean it. The text is UTF-8; malformed bytes match nothing.
  bool matches(std::string_view utf8) const;
  std::string_view source() const { return source_; }

 private:
  std::uint64_t accepting(char32_t symbol, std::uint64_t among) const;

  std::string_view source_;
  std::span<const Position> positions_;
  std::uint64_t first_;
  std::uint64_t last_;
  bool matches_empty_;
};

// Takes one code point from the front of `text`; nothing when the bytes are not UTF-8. Refuses overlong forms and
// surrogates. `text` must not be empty.
bool take_code_point(std::string_view& text, char32_t& out);
// The number of code points; malformed bytes count one each.
std::size_t count_code_points(std::string_view text);

}  // namespace aws
