// SPDX-License-Identifier: Apache-2.0
#pragma once
// The 47-digit name of a fragment: "91343852333" and 36 decimal digits.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace store {

// Grows within a stream and never goes back: max(last + 1, server time in microseconds). 0 is before every fragment.
struct FragmentNumber {
  std::uint64_t value = 0;

  std::string text() const;
  // Exactly the form that text() writes; anything else is no fragment of this server.
  static std::optional<FragmentNumber> parse(std::string_view text);
  friend auto operator<=>(const FragmentNumber&, const FragmentNumber&) = default;
};

}  // namespace store
