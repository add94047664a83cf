// SPDX-License-Identifier: Apache-2.0
#pragma once
// Amounts of storage as people write them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// "500000", "500 MB" (powers of 1000), "2GiB" (powers of 1024); B, KB, MB, GB, TB, KiB, MiB, GiB, TiB, whatever the
// case. Whole numbers only; nullopt for anything else and past 2^63 - 1.
std::optional<std::uint64_t> parse_byte_count(std::string_view text);

// Three digits and a unit of powers of 1000: "0 B", "999 B", "1.25 MB", "310 GB".
std::string to_byte_count_text(std::uint64_t bytes);

}  // namespace base
