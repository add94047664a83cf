// SPDX-License-Identifier: Apache-2.0
#pragma once
// Wrapping counters made endless: 16-bit sequence numbers and 32-bit timestamps become int64.

#include <cstdint>
#include <optional>
#include <type_traits>

namespace rtp {

// Takes the value nearest to the one before (less than half a turn away, forwards or back).
template <class Counter>
class Unwrapper {
 public:
  // Unwraps and remembers.
  std::int64_t unwrap(Counter value) {
    last_ = peek(value);
    return *last_;
  }
  // Unwraps only. The first value stands for itself.
  std::int64_t peek(Counter value) const {
    if (!last_) return value;
    const auto step = static_cast<Counter>(value - static_cast<Counter>(*last_));
    return *last_ + static_cast<std::make_signed_t<Counter>>(step);
  }
  // Makes `value`, already unwrapped, the one that the next is nearest to.
  void start_at(std::int64_t value) { last_ = value; }
  bool started() const { return last_.has_value(); }
  void reset() { last_.reset(); }

 private:
  std::optional<std::int64_t> last_;
};

using SequenceUnwrapper = Unwrapper<std::uint16_t>;
using TimestampUnwrapper = Unwrapper<std::uint32_t>;

}  // namespace rtp
