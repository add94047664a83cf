// SPDX-License-Identifier: Apache-2.0
#pragma once
// FFmpeg's `aac` with coder `fast`: the cheapest of its coders.

#include "streams/aac/encoder.hpp"

namespace streams::aac {

base::Result<std::unique_ptr<Encoder>> open_ffmpeg_encoder();

}  // namespace streams::aac
