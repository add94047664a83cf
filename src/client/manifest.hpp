// SPDX-License-Identifier: Apache-2.0
#pragma once
// What cameras sent, frame by frame, for whoever compares it with what was stored.

#include <cstdint>
#include <string>
#include <vector>

#include "base/prefetch.hpp"
#include "base/result.hpp"
#include "client/media_source.hpp"

namespace client {

struct CameraResult;

// Frames of a loop in the order in which they were sent: runs, because a camera sends most of them one after the other.
class SentFrames {
 public:
  struct Run {
    std::size_t first;  // in the loop's track
    std::uint64_t count;
  };

  // `frame` of a track of `size` frames, whose last is followed by its first.
  void note(std::size_t frame, std::size_t size) {
    if (runs_.empty() || frame != (runs_.back().first + runs_.back().count) % size) runs_.push_back({frame, 0});
    ++runs_.back().count;
  }
  const std::vector<Run>& runs() const { return runs_; }
  // Of what note() looks at.
  void prefetch() const {
    if (!runs_.empty()) base::prefetch(&runs_.back());
  }

 private:
  std::vector<Run> runs_;
};

// JSON lines. The first: {"video":[SHA256,...],"audio":[...]}, hexadecimal, of the loop's frames as they are stored
// (codecs::Frame), pictures of a lower bit rate after the others. Then one for each camera:
// {"channel":..,"stream":..,"video":[[first,count],...],"audio":[...]}, frame numbers of the loop, which go on at 0
// after its last.
base::Result<void> write_manifest(const std::string& path, const MediaLoop& loop,
                                  const std::vector<CameraResult>& results);

}  // namespace client
