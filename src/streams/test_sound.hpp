// SPDX-License-Identifier: Apache-2.0
#pragma once
// For tests only.

#include <vector>

#include "streams/audio_renderer.hpp"

namespace streams {

inline std::vector<base::Bytes> copy_units(const RenderedAudio& audio) {
  std::vector<base::Bytes> units;
  for (const base::ByteView unit : audio.units()) units.emplace_back(unit.begin(), unit.end());
  return units;
}

}  // namespace streams
