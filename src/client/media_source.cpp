// SPDX-License-Identifier: Apache-2.0
#include "client/media_source.hpp"

#include <algorithm>

#include "rtp/sender.hpp"

namespace client {

bool MediaLoop::has(codecs::MediaKind kind) const {
  return std::any_of(frames.begin(), frames.end(), [kind](const MediaFrame& frame) { return frame.kind() == kind; });
}

void MediaLoop::prepare(bool like_c_sdk) {
  rtp::SenderOptions shape;
  shape.aggregate_parameter_sets = !like_c_sdk;
  std::size_t bytes = 0;
  for (const auto kind : {codecs::MediaKind::Video, codecs::MediaKind::Audio}) {
    std::vector<std::shared_ptr<const codecs::Frame>> of_kind;
    for (MediaFrame& frame : frames) {
      if (frame.kind() != kind) continue;
      frame.prepared = of_kind.size();
      of_kind.push_back(frame.frame);
      bytes += frame.frame->payload.size();
    }
    if (of_kind.empty()) continue;
    for (MediaFrame& frame : low_pictures) {
      if (kind == codecs::MediaKind::Audio) break;
      frame.prepared = of_kind.size();
      of_kind.push_back(frame.frame);
    }
    (kind == codecs::MediaKind::Video ? video : audio) = std::make_shared<const rtp::PreparedTrack>(of_kind, shape);
  }
  const double seconds = std::chrono::duration<double>(length).count();
  bits_per_second = static_cast<std::uint64_t>(static_cast<double>(bytes) * 8 / seconds);
}

std::vector<std::size_t> MediaLoop::key_frames() const {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (frames[i].kind() == codecs::MediaKind::Video && frames[i].frame->key_frame) places.push_back(i);
  }
  return places;
}

LoopSource::LoopSource(std::shared_ptr<const MediaLoop> loop, bool repeat, std::size_t begin)
    : loop_(std::move(loop)), repeat_(repeat), index_(begin) {
  if (begin > 0) offset_ = -loop_->frames[begin].at;
}

std::optional<MediaFrame> LoopSource::next() {
  if (index_ == loop_->frames.size()) {
    if (!repeat_ || loop_->frames.empty()) return std::nullopt;
    index_ = 0;
    offset_ += loop_->length;
  }
  const MediaFrame& next = loop_->frames[index_++];
  const base::Duration at = next.at + offset_;
  const bool may_change = next.kind() == codecs::MediaKind::Video && next.frame->key_frame;
  if (may_change && !loop_->low_pictures.empty()) low_ = low_asked_ || at < loop_->low_for;
  MediaFrame frame = choose(next);
  frame.at = at;
  return frame;
}

const MediaFrame& LoopSource::choose(const MediaFrame& frame) {
  return low_ && frame.kind() == codecs::MediaKind::Video ? loop_->low_pictures[*frame.prepared] : frame;
}

void LoopSource::heed_bitrate(std::uint64_t bits_per_second) {
  low_asked_ = bits_per_second < loop_->bits_per_second / 10 * 9;
}

}  // namespace client
