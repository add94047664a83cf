// SPDX-License-Identifier: Apache-2.0
#pragma once
// Images of a stream at regular times (GetImages, contract 6).

#include <chrono>
#include <optional>
#include <variant>
#include <vector>

#include "async/disk_worker.hpp"
#include "streams/playback.hpp"

namespace streams {

enum class ImageFormat : std::uint8_t { Jpeg, Png };

// Contract 6: both sides given stretch the picture, one alone keeps its shape, neither keeps its size.
struct ImageOptions {
  ImageFormat format = ImageFormat::Jpeg;
  int quality = 80;  // of JPEG, 1..100
  std::optional<std::uint32_t> width{};
  std::optional<std::uint32_t> height{};
};

struct ImagesRequest {
  TimeAxis axis = TimeAxis::Server;
  base::WallTime from;  // the first image's time
  base::WallTime to;    // inclusive
  std::chrono::microseconds interval{};
  std::size_t limit = 0;  // images in the page
  ImageOptions options;
};

enum class MissingImage : std::uint8_t { NoMedia, MediaError };

struct SampledImage {
  base::WallTime time;  // that was asked for, on the request's axis
  std::variant<base::Bytes, MissingImage> content;
};

struct ImagePage {
  std::vector<SampledImage> images;
  std::optional<base::WallTime> next;  // where the next page begins
};

// A page has `limit` images, or fewer when their bytes would pass `most_bytes`. Decoding runs on `workers`. Fails only
// when the index cannot be read: what is wrong with a picture is said in its place.
async::Task<base::Result<ImagePage>> sample_images(Playback& playback, async::DiskWorker& workers, FragmentLogPtr log,
                                                   ImagesRequest request, std::size_t most_bytes);

// Pictures of one fragment.
struct FragmentImages {
  TimeAxis axis = TimeAxis::Server;
  std::vector<base::WallTime> times;  // on the axis, ascending
  ImageOptions options;
};
// What is shown at each time: one result for each, Corrupt or Unsupported where there is no picture.
async::Task<base::Result<std::vector<base::Result<base::Bytes>>>> images_of_fragment(
    Playback& playback, async::DiskWorker& workers, FragmentLogPtr log, StoredFragment fragment, FragmentImages wanted);

}  // namespace streams
