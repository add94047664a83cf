// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a camera's frames come from: a stream of frames with the media time at which each is due.

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "codecs/frame.hpp"

namespace client {

struct MediaFrame {
  base::Duration at{};                         // since the source began
  std::shared_ptr<const codecs::Frame> frame;  // shared by all cameras that publish the same loop

  codecs::MediaKind kind() const { return codecs::kind_of(frame->codec); }
};

// Owned by one camera, on its shard.
class MediaSource {
 public:
  virtual ~MediaSource() = default;
  // In order of `at`; nothing at the end.
  virtual std::optional<MediaFrame> next() = 0;
  // The next picture should be a key frame. Files cannot do it.
  virtual void request_key_frame() {}
  // The wall clock of media time zero, known once publishing begins; again after a new connection.
  virtual void set_epoch(base::WallTime) {}
};

// Encoded media of finite length, ready to be repeated: begins with a key frame. Immutable, shared.
struct MediaLoop {
  std::vector<MediaFrame> frames;  // in order of `at`
  base::Duration length{};

  bool has(codecs::MediaKind kind) const;
};

class LoopSource final : public MediaSource {
 public:
  LoopSource(std::shared_ptr<const MediaLoop> loop, bool repeat);
  std::optional<MediaFrame> next() override;

 private:
  std::shared_ptr<const MediaLoop> loop_;
  bool repeat_;
  std::size_t index_ = 0;
  base::Duration offset_{};
};

}  // namespace client
