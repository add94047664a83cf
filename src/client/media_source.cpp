// SPDX-License-Identifier: Apache-2.0
#include "client/media_source.hpp"

#include <algorithm>

namespace client {

bool MediaLoop::has(codecs::MediaKind kind) const {
  return std::any_of(frames.begin(), frames.end(), [kind](const MediaFrame& frame) { return frame.kind() == kind; });
}

LoopSource::LoopSource(std::shared_ptr<const MediaLoop> loop, bool repeat) : loop_(std::move(loop)), repeat_(repeat) {}

std::optional<MediaFrame> LoopSource::next() {
  if (index_ == loop_->frames.size()) {
    if (!repeat_ || loop_->frames.empty()) return std::nullopt;
    index_ = 0;
    offset_ += loop_->length;
  }
  MediaFrame frame = loop_->frames[index_++];
  frame.at += offset_;
  return frame;
}

}  // namespace client
