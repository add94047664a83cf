// SPDX-License-Identifier: Apache-2.0
#include "codecs/annex_b_reader.hpp"

#include "codecs/h264_nal.hpp"
#include "codecs/h264_recovery_point.hpp"

namespace codecs::h264 {

AnnexBReader::AnnexBReader(base::ByteView stream) : nals_(split_annex_b(stream)) {}

std::optional<Frame> AnnexBReader::next() {
  if (at_ == nals_.size()) return std::nullopt;
  if (at_ == 0) {
    boundary_ = PictureBoundary();
    boundary_.begins_access_unit(nals_[0]);
  }
  // From here on nals_[at_] has been shown to the boundary: it ended the access unit before.
  Frame frame;
  do {
    append_nal(frame.payload, nals_[at_]);
    ++at_;
  } while (at_ < nals_.size() && !boundary_.begins_access_unit(nals_[at_]));
  frame.key_frame = is_random_access_point(frame.payload);
  return frame;
}

}  // namespace codecs::h264
