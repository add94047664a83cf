// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cuts an Annex B byte stream into access units.

#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "codecs/frame.hpp"
#include "codecs/h264_slice.hpp"

namespace codecs::h264 {

// Reads a whole file held in memory; the bytes outlive the reader. An access unit begins as 7.4.1.2.3 and 7.4.1.2.4
// say: at an AUD, SPS, PPS, SEI (or types 14..18) after the last slice of a picture, or at the first slice of a new
// primary picture.
class AnnexBReader {
 public:
  explicit AnnexBReader(base::ByteView stream);
  // The next access unit with every one of its NAL units, or nothing at the end.
  std::optional<Frame> next();
  void rewind() { at_ = 0; }

 private:
  std::vector<base::ByteView> nals_;
  std::size_t at_ = 0;
  PictureBoundary boundary_;
};

}  // namespace codecs::h264
