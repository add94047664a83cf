// SPDX-License-Identifier: Apache-2.0
#include "container/matroska_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = container::parse_matroska({data, size});
  if (!document) return 0;
  // Everything handed out lies inside the input.
  for (const container::Block& block : document->blocks) {
    if (!block.payload.empty() &&
        (block.payload.data() < data || block.payload.data() + block.payload.size() > data + size)) {
      __builtin_trap();
    }
  }
  if (document->size > size) __builtin_trap();
  return 0;
}
