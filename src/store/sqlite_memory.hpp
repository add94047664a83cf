// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace store {

// What SQLite holds of the heap, for the whole process: most of it pages of its databases, which each connection keeps
// up to 32 MiB of. Any thread.
std::uint64_t sqlite_memory_bytes();

}  // namespace store
