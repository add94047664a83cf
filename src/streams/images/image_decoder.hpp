// SPDX-License-Identifier: Apache-2.0
#pragma once
// Still pictures out of fragments: decodes from a key frame on, as far as it must and no further.

#include <span>
#include <vector>

#include "streams/images/image_writer.hpp"
#include "streams/playback.hpp"

namespace streams {

// One image for each of `times` (producer's axis, ascending): the picture that is shown then, or the first one. `run`
// has fragments of one stream in a row; the first begins with a key frame. CPU work, any thread. Corrupt or Unsupported
// where a picture does not come.
std::vector<base::Result<base::Bytes>> render_images(std::span<const OpenedFragment> run,
                                                     std::span<const base::WallTime> times,
                                                     const ImageOptions& options);

}  // namespace streams
