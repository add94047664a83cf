// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "store/derived_entry.hpp"

// The input is the file of a derived thing. What is accepted is written again to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const base::ByteView input(bytes, size);
  if (const auto entry = store::parse_derived_entry(input)) {
    CHECK(std::ranges::equal(store::write_derived_entry(*entry), input));
  }
  if (const auto name = store::parse_derived_file_name(base::as_text(input))) {
    CHECK(store::derived_file_name(*name) == base::as_text(input));
  }
  return 0;
}
