// SPDX-License-Identifier: Apache-2.0
#pragma once
// One decoded picture as a JPEG or PNG file, scaled.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "codecs/libav.hpp"
#include "streams/images.hpp"

namespace streams {

// CPU work, any thread. Unsupported when the picture cannot be converted.
base::Result<base::Bytes> write_image(const AVFrame& picture, const ImageOptions& options);

}  // namespace streams
