// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which encoder makes AAC of stored Opus. What was rendered by one is never joined to what the other rendered: the
// cache in memory lives as long as the process, and so does the choice; on disk the encoder is part of the tag.

#include <cstdint>

namespace streams {

enum class AacChoice : std::uint8_t {
  Own,     // room `aac_encoder`
  Ffmpeg,  // FFmpeg's `aac` with coder `fast`
};

}  // namespace streams
