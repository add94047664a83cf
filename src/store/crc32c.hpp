// SPDX-License-Identifier: Apache-2.0
#pragma once
// CRC-32C (Castagnoli, RFC 3720 appendix B.4), with the CPU's instruction where there is one.

#include <cstdint>

#include "base/bytes.hpp"

namespace store {

// The checksum of `bytes`; pass the checksum of what came before to continue.
std::uint32_t crc32c(base::ByteView bytes, std::uint32_t before = 0);
// Tables only, on every machine: what crc32c() falls back to.
std::uint32_t crc32c_portable(base::ByteView bytes, std::uint32_t before = 0);

}  // namespace store
