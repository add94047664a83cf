// SPDX-License-Identifier: Apache-2.0
#pragma once
// Units read back by FFmpeg's decoder. For tests and benchmarks.

#include <array>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace aac_encoder {

struct Decoded {
  std::array<std::vector<float>, 2> samples;  // 1024 for each unit; those of the first are without their overlap
};

// Nothing when the decoder finds any fault (err_recognition "explode").
std::optional<Decoded> decode_units(const std::vector<base::Bytes>& units);

}  // namespace aac_encoder
