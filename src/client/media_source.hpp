// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a camera's frames come from: a stream of frames with the media time at which each is due.

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "codecs/frame.hpp"
#include "rtp/prepared_track.hpp"

namespace client {

struct MediaFrame {
  base::Duration at{};                         // since the source began
  std::shared_ptr<const codecs::Frame> frame;  // shared by all cameras that publish the same loop
  std::optional<std::size_t> prepared{};       // its number in the loop's track of its kind

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
  // What the other side asks for, of all that is sent (REMB). Few sources can do it.
  virtual void heed_bitrate(std::uint64_t) {}
  // The wall clock of media time zero, known once publishing begins; again after a new connection.
  virtual void set_epoch(base::WallTime) {}
};

// Encoded media of finite length, ready to be repeated: begins with a key frame. Immutable, shared.
struct MediaLoop {
  std::vector<MediaFrame> frames;  // in order of `at`
  base::Duration length{};
  std::vector<MediaFrame> low_pictures{};  // the same pictures at a lower bit rate; empty: there is one bit rate only
  base::Duration low_for{};                // so long after its beginning a camera sends those whatever it is asked for
  std::uint64_t bits_per_second = 0;       // of all frames, with the better pictures; set by prepare()
  std::shared_ptr<const rtp::PreparedTrack> video{}, audio{};  // what prepare() made; null: no such frames

  bool has(codecs::MediaKind kind) const;
  // Cuts the frames into packets, as webrtc-sdk-c does or as others do. Once, when the loop is whole. The lower
  // pictures' numbers follow those of the others.
  void prepare(bool like_c_sdk);
  // Places in `frames` at which a camera may begin.
  std::vector<std::size_t> key_frames() const;
};

// Changes its bit rate at key frames.
class LoopSource final : public MediaSource {
 public:
  // `begin` is one of MediaLoop::key_frames(); the source's time begins there.
  LoopSource(std::shared_ptr<const MediaLoop> loop, bool repeat, std::size_t begin = 0);
  std::optional<MediaFrame> next() override;
  void heed_bitrate(std::uint64_t bits_per_second) override;

 private:
  const MediaFrame& choose(const MediaFrame& frame);

  std::shared_ptr<const MediaLoop> loop_;
  bool repeat_;
  std::size_t index_;
  base::Duration offset_{};
  bool low_asked_ = false;
  bool low_ = false;
};

}  // namespace client
