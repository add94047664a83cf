// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.hpp"
#include "client/picture.hpp"
#include "codecs/frame.hpp"

namespace client {

// libx264 through libavcodec: constrained baseline, one access unit out for each picture in, no reordering.
class PictureEncoder {
 public:
  struct Options {
    int width = 640;
    int height = 360;
    int rate = 25;
    int bitrate_kbps = 800;
  };
  static base::Result<PictureEncoder> open(const Options& options);
  PictureEncoder(PictureEncoder&&) noexcept;
  PictureEncoder& operator=(PictureEncoder&&) noexcept;
  ~PictureEncoder();

  // `number` counts pictures from 0. Nothing only if the encoder fails.
  std::optional<codecs::Frame> encode(const Picture& picture, std::int64_t number, bool key_frame);

 private:
  struct Parts;
  explicit PictureEncoder(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace client
